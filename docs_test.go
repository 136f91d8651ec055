package tnt_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	gotypes "go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gotnt/tnt/iproto"
)

// protocolTables are the tables of docs/protocol.md, and the constants in Go's
// source that each lists.
var protocolTables = []struct {
	heading string
	dir     string // of the package
	typ     string // of the constants
	prefix  string // of their names
	name    func(constant string, value int64) string
}{
	{"Requests and what the server sends", "iproto", "Type", "Type", func(_ string, v int64) string {
		// The status of an error has the error's code in it, 0 here.
		return strings.TrimSuffix(iproto.Type(v).String(), " 0")
	}},
	{"Keys", "iproto", "Key", "Key", func(_ string, v int64) string { return iproto.Key(v).String() }},
	{"Features", "iproto", "Feature", "Feature", func(_ string, v int64) string { return iproto.Feature(v).String() }},
	{"Extension types of MessagePack", "types", "int8", "Ext", func(constant string, _ int64) string {
		return strings.ToUpper(strings.TrimPrefix(constant, "Ext"))
	}},
}

// TestProtocolTables has docs/protocol.md list every constant of the protocol,
// by its name and number, nothing else, and no test that is not there.
func TestProtocolTables(t *testing.T) {
	text, err := os.ReadFile("docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := namesOfTests(t)
	for _, table := range protocolTables {
		rows := tableUnder(string(text), table.heading)
		listed := map[string]string{} // name and number
		for _, row := range rows {
			name, number := row["name"], row["number"]
			if _, twice := listed[name]; twice {
				t.Errorf("%s: %s is there twice", table.heading, name)
			}
			listed[name] = number
			for _, test := range strings.Split(row["tested in"], ",") {
				if test = strings.TrimSpace(test); test != "" && test != "all" && !tests[test] {
					t.Errorf("%s: %s is tested in %s, which is not there", table.heading, name, test)
				}
			}
		}
		constants := constantsOf(t, table.dir, table.typ, table.prefix)
		if len(constants) == 0 {
			t.Errorf("%s has no constants %s... of type %s", table.dir, table.prefix, table.typ)
		}
		for _, c := range slices.Sorted(maps.Keys(constants)) {
			name := table.name(c, constants[c])
			number, ok := listed[name]
			switch got, err := strconv.ParseInt(number, 0, 64); {
			case !ok:
				t.Errorf("%s: %s, %d, is not there (%s of %s)", table.heading, name, constants[c], c, table.dir)
			case err != nil || got != constants[c]:
				t.Errorf("%s: %s has the number %q, want %d", table.heading, name, number, constants[c])
			}
			delete(listed, name)
		}
		for name := range listed {
			t.Errorf("%s: %s is no constant of %s", table.heading, name, table.dir)
		}
	}
}

// tableUnder returns the rows of the table under a heading: the first column
// as "name", the others by their titles. A number is what comes first in its
// cell: "0x8000 + code" is 0x8000.
func tableUnder(text, heading string) (rows []map[string]string) {
	_, section, _ := strings.Cut(text, "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var titles []string
	for line := range strings.Lines(section) {
		line, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		if !isRow {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case titles == nil:
			titles = append([]string{"name"}, cells[1:]...)
		case !strings.HasPrefix(cells[0], "---"):
			row := map[string]string{}
			for i, cell := range cells[:min(len(cells), len(titles))] {
				row[titles[i]] = cell
			}
			row["number"], _, _ = strings.Cut(row["number"], " ")
			rows = append(rows, row)
		}
	}
	return rows
}

// constantsOf reads the exported constants of a type from a package's source.
func constantsOf(t *testing.T, dir, typ, prefix string) map[string]int64 {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	// Without an importer much of the package has no type; its numbers have.
	conf := gotypes.Config{Error: func(error) {}, IgnoreFuncBodies: true}
	pkg, _ := conf.Check(dir, set, files, nil)
	found := map[string]int64{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*gotypes.Const)
		if !ok || !c.Exported() || !strings.HasPrefix(name, prefix) {
			continue
		}
		if last := c.Type().String()[strings.LastIndexByte(c.Type().String(), '.')+1:]; last != typ {
			continue
		}
		if found[name], ok = constant.Int64Val(constant.ToInt(c.Val())); !ok {
			t.Errorf("%s: the constant %s has no number", dir, name)
		}
	}
	return found
}

// namesOfTests are the functions of tests in this module's directory and all
// below it, and the names of the files here without their ".go".
func namesOfTests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if base := entry.Name(); path != "." && (strings.HasPrefix(base, ".") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		if filepath.Dir(path) == "." {
			names[strings.TrimSuffix(path, ".go")] = true
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && isTest(f.Name.Name) {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// isTest reports whether a function is one that go test runs.
func isTest(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz", "Benchmark", "Example"} {
		if strings.HasPrefix(name, prefix) {
			return name != "TestMain"
		}
	}
	return false
}
