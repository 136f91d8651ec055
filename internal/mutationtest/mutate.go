// Package mutationtest finds out what tests miss: it changes a package in one
// small way after another and looks whether the tests fail. All mutations of a
// package are compiled into one test binary, which an environment variable tells
// the one to have on, so that each costs a run of the tests that reach it and no
// build.
package mutationtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"strconv"
)

// Mutation is one small change.
type Mutation struct {
	N    int // from 1 on
	At   token.Position
	What string
}

func (m Mutation) String() string {
	return fmt.Sprintf("%d %s:%d: %s", m.N, m.At.Filename, m.At.Line, m.What)
}

// mutator makes mutations of a file's syntax.
type mutator struct {
	files *token.FileSet
	types *types.Info
	made  []Mutation
	next  int
	fn    *ast.FuncType // whose body is at hand
}

// Mutate returns the source of a file with all mutations in it, switched by the
// functions that Switch is the source of. They are numbered from first on. The
// syntax is changed.
func (p *Package) Mutate(file *ast.File, first int) (mutated []byte, made []Mutation, err error) {
	m := &mutator{files: p.files, types: p.types, next: first}
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil && fn.Name.Name != "String" && fn.Name.Name != "GoString" {
			m.function(fn.Type, fn.Body)
		}
	}
	var out bytes.Buffer
	// Without comments, whose places no longer fit.
	file.Comments = nil
	if err := printer.Fprint(&out, m.files, file); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), m.made, nil
}

// number makes a mutation, and returns its number.
func (m *mutator) number(at token.Pos, format string, args ...any) ast.Expr {
	n := m.next
	m.next++
	m.made = append(m.made, Mutation{n, m.files.Position(at), fmt.Sprintf(format, args...)})
	return &ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(n)}
}

// on makes a mutation, and returns the condition that it is on.
func (m *mutator) on(at token.Pos, format string, args ...any) ast.Expr {
	return call("isMutant", m.number(at, format, args...))
}

func call(name string, args ...ast.Expr) *ast.CallExpr {
	return &ast.CallExpr{Fun: ast.NewIdent(name), Args: args}
}

// text returns the source of a piece of syntax, or how it begins.
func (m *mutator) text(node ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, m.files, node)
	if line, _, more := bytes.Cut(b.Bytes(), []byte("\n")); more {
		return string(line) + " ..."
	}
	return b.String()
}

func (m *mutator) function(fn *ast.FuncType, body *ast.BlockStmt) {
	outer := m.fn
	m.fn = fn
	m.block(body)
	m.fn = outer
}

// block mutates the statements of a block, and in them.
func (m *mutator) block(b *ast.BlockStmt) { b.List = m.list(b.List) }

func (m *mutator) list(stmts []ast.Stmt) []ast.Stmt {
	for i, s := range stmts {
		text := m.text(s) // as it is before anything in it is changed
		removable := m.removable(s)
		m.inside(s)
		if removable {
			stmts[i] = &ast.IfStmt{
				Cond: &ast.UnaryExpr{Op: token.NOT, X: m.on(s.Pos(), "without %s", text)},
				Body: &ast.BlockStmt{List: []ast.Stmt{s}},
			}
		}
	}
	return stmts
}

// removable tells whether a statement can be left out, and whether it is of use
// to: without the end of a lock tests only hang, and a race is not seen.
func (m *mutator) removable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE && !allBlank(s.Lhs)
	case *ast.ExprStmt:
		return !mustStay(s.X)
	case *ast.DeferStmt:
		return !mustStay(s.Call)
	case *ast.IncDecStmt, *ast.SendStmt, *ast.GoStmt:
		return true
	case *ast.BranchStmt:
		return s.Label == nil && s.Tok != token.FALLTHROUGH
	case *ast.ReturnStmt:
		return len(s.Results) == 0 && m.fn.Results == nil
	}
	return false
}

func allBlank(left []ast.Expr) bool {
	for _, x := range left {
		if name, ok := x.(*ast.Ident); !ok || name.Name != "_" {
			return false
		}
	}
	return true
}

// mustStay tells calls that are left in: of a lock that is taken or given back, and
// of panic, which a function may end with.
func mustStay(x ast.Expr) bool {
	c, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch fun := c.Fun.(type) {
	case *ast.SelectorExpr:
		switch fun.Sel.Name {
		case "Lock", "Unlock", "RLock", "RUnlock":
			return true
		}
	case *ast.Ident:
		return fun.Name == "panic"
	}
	return false
}

// inside mutates the expressions and the blocks of a statement. A loop's step
// stays: without it tests only hang.
func (m *mutator) inside(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		m.block(s)
	case *ast.IfStmt:
		m.inside(s.Init)
		s.Cond = m.condition(s.Cond)
		m.block(s.Body)
		m.inside(s.Else)
	case *ast.ForStmt:
		m.inside(s.Init)
		s.Cond = m.expr(s.Cond)
		m.block(s.Body)
	case *ast.RangeStmt:
		s.X = m.expr(s.X)
		m.block(s.Body)
	case *ast.SwitchStmt:
		m.inside(s.Init)
		s.Tag = m.expr(s.Tag)
		m.cases(s.Body, s.Tag == nil)
	case *ast.TypeSwitchStmt:
		m.cases(s.Body, false)
	case *ast.SelectStmt:
		m.cases(s.Body, false)
	case *ast.LabeledStmt:
		m.inside(s.Stmt)
	case *ast.ReturnStmt:
		m.returned(s)
	case *ast.DeferStmt:
		m.expr(s.Call)
	case *ast.GoStmt:
		m.expr(s.Call)
	case *ast.ExprStmt:
		m.expr(s.X)
	case *ast.SendStmt:
		s.Value = m.expr(s.Value)
	case *ast.AssignStmt:
		for i, x := range s.Rhs {
			s.Rhs[i] = m.expr(x)
		}
	}
}

func (m *mutator) cases(b *ast.BlockStmt, conditions bool) {
	for _, c := range b.List {
		switch c := c.(type) {
		case *ast.CaseClause:
			for i, x := range c.List {
				if conditions {
					c.List[i] = m.condition(x)
				}
			}
			c.Body = m.list(c.Body)
		case *ast.CommClause:
			c.Body = m.list(c.Body)
		}
	}
}

// returned mutates what a function returns. Beside an error nothing else counts.
func (m *mutator) returned(s *ast.ReturnStmt) {
	last := len(s.Results) - 1
	if last < 0 || m.fn.Results == nil || m.fn.Results.NumFields() != len(s.Results) || !m.isError(m.fn.Results.List) {
		for i, x := range s.Results {
			s.Results[i] = m.expr(x)
		}
		return
	}
	err := s.Results[last]
	if name, ok := err.(*ast.Ident); ok && name.Name == "nil" {
		for i, x := range s.Results[:last] {
			s.Results[i] = m.expr(x)
		}
		return
	}
	text := m.text(err)
	s.Results[last] = call("mutantError", m.number(err.Pos(), "nil in place of the error %s", text), m.expr(err))
}

func (m *mutator) isError(results []*ast.Field) bool {
	t := m.types.TypeOf(results[len(results)-1].Type)
	return types.Identical(t, types.Universe.Lookup("error").Type())
}
