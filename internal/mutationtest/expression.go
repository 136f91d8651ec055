package mutationtest

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
)

// condition negates a condition, and mutates what it is made of.
func (m *mutator) condition(x ast.Expr) ast.Expr {
	text, at := m.text(x), x.Pos()
	if b, ok := x.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
		b.X, b.Y = m.expr(b.X), m.expr(b.Y) // the other operator would be the same
	} else {
		x = m.expr(x)
	}
	return unless(x, m.on(at, "not (%s)", text))
}

// unless returns what is a condition, or its contrary if a mutation is on.
func unless(x, on ast.Expr) ast.Expr {
	return &ast.ParenExpr{X: &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.NEQ, Y: on}}
}

// expr mutates an expression, which may be nil.
func (m *mutator) expr(x ast.Expr) ast.Expr {
	if value := m.types.Types[x]; value.Value != nil {
		return m.constant(x, value)
	}
	switch x := x.(type) {
	case *ast.FuncLit:
		m.function(x.Type, x.Body)
	case *ast.ParenExpr:
		x.X = m.expr(x.X)
	case *ast.UnaryExpr:
		x.X = m.expr(x.X)
	case *ast.StarExpr:
		x.X = m.expr(x.X)
	case *ast.SelectorExpr:
		x.X = m.expr(x.X)
	case *ast.TypeAssertExpr:
		x.X = m.expr(x.X)
	case *ast.BinaryExpr:
		return m.binary(x)
	case *ast.IndexExpr:
		x.X, x.Index = m.expr(x.X), m.expr(x.Index)
	case *ast.SliceExpr:
		x.X, x.Low, x.High, x.Max = m.expr(x.X), m.expr(x.Low), m.expr(x.High), m.expr(x.Max)
	case *ast.CallExpr:
		if name, ok := x.Fun.(*ast.Ident); ok && name.Name == "make" {
			break // a capacity, mostly
		}
		x.Fun = m.expr(x.Fun)
		m.each(x.Args)
	case *ast.CompositeLit:
		m.each(x.Elts)
	case *ast.KeyValueExpr:
		x.Value = m.expr(x.Value)
	}
	return x
}

func (m *mutator) each(list []ast.Expr) {
	for i, x := range list {
		list[i] = m.expr(x)
	}
}

// constant has the next number stand in for a number, and false for true.
// Numbers that have a type with a name of its own are names themselves.
func (m *mutator) constant(x ast.Expr, value types.TypeAndValue) ast.Expr {
	basic, ok := value.Type.(*types.Basic)
	switch {
	case ok && value.Value.Kind() == constant.Bool:
		return unless(x, m.on(x.Pos(), "not %s", m.text(x)))
	case ok && basic.Info()&types.IsInteger != 0 && basic.Info()&types.IsUntyped == 0 && basic.Kind() != types.Uintptr:
		add := call("mutantAdd", m.number(x.Pos(), "%s + 1", m.text(x)), x)
		add.Fun = &ast.IndexExpr{X: add.Fun, Index: ast.NewIdent(basic.Name())}
		return add
	}
	return x
}

// binary has another operator stand in.
func (m *mutator) binary(x *ast.BinaryExpr) ast.Expr {
	op, text := x.Op, m.text(x)
	x.X, x.Y = m.expr(x.X), m.expr(x.Y)
	say := func(other string) []any { return []any{other, op, text} }
	const format = "%s in place of %s in %s"
	switch op {
	case token.LAND, token.LOR:
		// With both sides and the whole negated, one is the other.
		other := map[token.Token]string{token.LAND: "||", token.LOR: "&&"}[op]
		on := m.on(x.OpPos, format, say(other)...)
		x.X, x.Y = unless(x.X, on), unless(x.Y, on)
		return unless(x, on)
	case token.EQL:
		return unless(x, m.on(x.OpPos, format, say("!=")...))
	case token.NEQ:
		return unless(x, m.on(x.OpPos, format, say("==")...))
	}
	for _, o := range operators {
		if o.op != op || !m.integers(x) && !o.compares {
			continue
		}
		return call("mutant"+o.name, m.number(x.OpPos, format, say(o.other.String())...), x.X, x.Y)
	}
	return x
}

// integers tells whether both operands are whole numbers. A number that is shifted and
// has a name for its type has that of its surroundings, which is not known any more.
func (m *mutator) integers(x *ast.BinaryExpr) bool {
	t := m.types.TypeOf(x)
	if t == nil {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	if !ok || basic.Info()&types.IsInteger == 0 {
		return false
	}
	if x.Op == token.SHL || x.Op == token.SHR {
		return m.types.Types[x.X].Value == nil
	}
	return true
}
