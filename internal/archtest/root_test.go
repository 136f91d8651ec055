package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A room is files of package tnt that may know the same. Package tnt has one room
// too few to be packages of their own: a Request has methods that only this package
// may call. So the rooms are held apart here.
type room struct {
	name  string
	files []string // patterns of path.Match
	// imports of our own that the room may not have.
	notImports []string
	// names of package tnt that the room may not mention.
	notNames []string
}

// requests are the structs that users send.
var requests = []string{
	"Select", "Insert", "Replace", "Update", "Delete", "Upsert", "Call", "Call16", "Eval", "Execute", "Raw", "InsertArrow",
}

var rooms = []room{
	{
		name:       "requests, which only say what to send",
		files:      []string{"request.go", "request_*.go", "key.go", "operation.go", "raw.go", "insert_arrow.go", "isolation.go", "value.go"},
		notImports: []string{"internal/session", "internal/link"},
		notNames:   []string{"Conn", "live", "run", "exchange", "target", "Executor", "Route"},
	},
	{
		name:       "answers, which only say what came",
		files:      []string{"response.go", "tuple.go", "formats.go"},
		notImports: []string{"internal/session", "internal/link"},
		notNames:   []string{"Conn", "live", "run", "exchange", "target", "Executor", "Route"},
	},
	{
		name:     "machinery, which knows no request by name",
		files:    []string{"exchange.go", "encoder.go", "batch.go", "executor.go", "pinned.go", "future.go", "supervise.go", "handshake.go", "conn.go", "conn_state.go", "connect.go", "stats.go", "watch.go"},
		notNames: requests,
	},
	{
		name:       "what is told, which asks nothing of sessions",
		files:      []string{"hook_log.go", "retry.go", "request_info.go"},
		notImports: []string{"internal/session", "internal/link", "internal/mp"},
	},
}

func TestRootFilesKnowTheirPlace(t *testing.T) {
	found := map[string]bool{}
	for _, file := range rootFiles(t) {
		for _, r := range rooms {
			if !r.has(file.name) {
				continue
			}
			found[r.name] = true
			for _, spec := range file.ast.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value)
				if dir, ours := ourDir(imported); ours && slices.Contains(r.notImports, dir) {
					t.Errorf("%s imports %s, and is one of %s", file.name, dir, r.name)
				}
			}
			for _, name := range mentioned(file.ast) {
				if slices.Contains(r.notNames, name) {
					t.Errorf("%s mentions %s, and is one of %s", file.name, name, r.name)
				}
			}
		}
	}
	for _, r := range rooms {
		if !found[r.name] {
			t.Errorf("no file is one of %s", r.name)
		}
	}
}

func (r room) has(file string) bool {
	return slices.ContainsFunc(r.files, func(pattern string) bool {
		ok, err := path.Match(pattern, file)
		return ok && err == nil
	})
}

type rootFile struct {
	name string
	ast  *ast.File
}

// rootFiles parses the files of package tnt that are no tests.
func rootFiles(t *testing.T) (files []rootFile) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, rootFile{filepath.Base(p), parsed})
	}
	return files
}

// mentioned returns the identifiers of a file that may be those of the package:
// none behind a dot, and no names of fields, parameters or methods.
func mentioned(file *ast.File) (names []string) {
	skip := map[*ast.Ident]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			skip[n.Sel] = true
		case *ast.Field:
			for _, name := range n.Names {
				skip[name] = true
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				skip[key] = true
			}
		case *ast.FuncDecl:
			if n.Recv != nil {
				skip[n.Name] = true
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !skip[id] {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}
