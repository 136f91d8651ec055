// Package mutationtest finds out what tests miss: it changes a package in one
// small way after another and looks whether the tests fail. All mutations of a
// package are compiled into one test binary, which an environment variable tells
// the one to have on, so that each costs a run of the tests and no build.
package mutationtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
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
	made  []Mutation
	next  int
}

// Mutate returns a file with all mutations in it, switched by the function that
// Switch is the source of. They are numbered from first on.
func Mutate(name string, src []byte, first int) (mutated []byte, made []Mutation, err error) {
	m := &mutator{files: token.NewFileSet(), next: first}
	file, err := parser.ParseFile(m.files, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil && fn.Name.Name != "String" && fn.Name.Name != "GoString" {
			m.block(fn.Body)
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

// Switch returns the source of the function that mutations are switched by.
func Switch(pkg string, most int) []byte {
	return fmt.Appendf(nil, `package %s

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantOn, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantHits  *os.File
	mutantSeen  [%d]atomic.Bool
)

func init() {
	if name := os.Getenv("MUTANT_HITS"); name != "" {
		mutantHits, _ = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	}
}

func isMutant(n int) bool {
	if mutantHits != nil && !mutantSeen[n].Swap(true) {
		fmt.Fprintln(mutantHits, n)
	}
	return n == mutantOn
}
`, pkg, most+1)
}

// add numbers a mutation, and returns the condition that it is on.
func (m *mutator) add(at token.Pos, format string, args ...any) ast.Expr {
	n := m.next
	m.next++
	m.made = append(m.made, Mutation{n, m.files.Position(at), fmt.Sprintf(format, args...)})
	return &ast.CallExpr{Fun: ast.NewIdent("isMutant"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(n)}}}
}

// text returns the source of a piece of syntax.
func (m *mutator) text(node ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, m.files, node)
	text := b.String()
	if i := bytes.IndexByte(b.Bytes(), '\n'); i >= 0 {
		text = text[:i] + " ..."
	}
	return text
}

// block mutates the statements of a block, and in them.
func (m *mutator) block(b *ast.BlockStmt) {
	if b != nil {
		b.List = m.list(b.List)
	}
}

func (m *mutator) list(stmts []ast.Stmt) []ast.Stmt {
	for i, s := range stmts {
		text := m.text(s) // as it is before anything in it is changed
		m.inside(s)
		stmts[i] = m.without(s, text)
	}
	return stmts
}

// without returns a statement that a mutation leaves out, where it can be.
func (m *mutator) without(s ast.Stmt, text string) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return s
		}
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt:
	case *ast.BranchStmt:
		if s.Label != nil || s.Tok == token.GOTO || s.Tok == token.FALLTHROUGH {
			return s
		}
	default:
		return s
	}
	return &ast.IfStmt{
		Cond: &ast.UnaryExpr{Op: token.NOT, X: m.add(s.Pos(), "without %s", text)},
		Body: &ast.BlockStmt{List: []ast.Stmt{s}},
	}
}

// inside mutates the conditions and the blocks of a statement.
func (m *mutator) inside(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		m.block(s)
	case *ast.IfStmt:
		s.Cond = m.condition(s.Cond)
		m.block(s.Body)
		if s.Else != nil {
			m.inside(s.Else)
		}
	case *ast.ForStmt:
		if s.Cond != nil {
			s.Cond = m.operands(s.Cond)
		}
		m.block(s.Body)
	case *ast.RangeStmt:
		m.block(s.Body)
	case *ast.SwitchStmt:
		m.cases(s.Body, s.Tag == nil)
	case *ast.TypeSwitchStmt:
		m.cases(s.Body, false)
	case *ast.SelectStmt:
		m.cases(s.Body, false)
	case *ast.LabeledStmt:
		m.inside(s.Stmt)
	case *ast.ReturnStmt:
		for i, x := range s.Results {
			s.Results[i] = m.operands(x)
		}
	case *ast.DeferStmt:
		m.literal(s.Call.Fun)
	case *ast.GoStmt:
		m.literal(s.Call.Fun)
	case *ast.AssignStmt:
		for i, x := range s.Rhs {
			m.literal(x)
			if s.Tok == token.ASSIGN || s.Tok == token.DEFINE {
				s.Rhs[i] = m.operands(x)
			}
		}
	}
}

// literal mutates the body of a function that stands there.
func (m *mutator) literal(x ast.Expr) {
	if fn, ok := x.(*ast.FuncLit); ok {
		m.block(fn.Body)
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

// condition negates a condition, and mutates what it is made of.
func (m *mutator) condition(x ast.Expr) ast.Expr {
	text := m.text(x)
	x = m.operands(x)
	return &ast.BinaryExpr{X: m.add(x.Pos(), "not (%s)", text), Op: token.NEQ, Y: &ast.ParenExpr{X: x}}
}

// others are the operators that stand in for each.
var others = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND,
}

// operands has another operator stand in, in an expression of truth values.
func (m *mutator) operands(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.ParenExpr:
		x.X = m.operands(x.X)
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			x.X = m.operands(x.X)
		}
	case *ast.Ident:
		if x.Name == "true" || x.Name == "false" {
			return &ast.BinaryExpr{X: m.add(x.Pos(), "not %s", x.Name), Op: token.NEQ, Y: x}
		}
	case *ast.BinaryExpr:
		other, ok := others[x.Op]
		if !ok {
			return x
		}
		on := m.add(x.OpPos, "%s in place of %s in %s", other, x.Op, m.text(x))
		if x.Op == token.LAND || x.Op == token.LOR {
			x.X, x.Y = m.operands(x.X), m.operands(x.Y)
		}
		return &ast.ParenExpr{X: &ast.BinaryExpr{
			Op: token.LOR,
			X:  &ast.BinaryExpr{Op: token.LAND, X: on, Y: &ast.ParenExpr{X: &ast.BinaryExpr{X: x.X, Op: other, Y: x.Y}}},
			Y:  &ast.BinaryExpr{Op: token.LAND, X: &ast.UnaryExpr{Op: token.NOT, X: on}, Y: &ast.ParenExpr{X: x}},
		}}
	}
	return x
}
