// Package archtest keeps the direction of imports, and the list of libraries,
// as DESIGN.md has them. It reads import clauses only, so it also covers files
// that this platform does not build and modules that are not downloaded.
package archtest

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/gotnt/tnt"
	root   = "." // the directory of package tnt
)

// A layer is a directory with all below it, but for those that are layers
// themselves. Its code may import what is listed, its tests also testImports.
type layer struct {
	dir         string
	imports     []string
	testImports []string
}

var (
	// What any program may use besides package tnt: the names of the protocol
	// and the values of the server.
	vocabulary = []string{"errcode", "iproto", "types", "schema"}
	codec      = append(slices.Clone(vocabulary), "internal/mp", "internal/wire")
	sessions   = append(slices.Clone(codec), "internal/session")
	clients    = append(slices.Clone(vocabulary), root)
	lua        = append(slices.Clone(clients), "internal/mp", "internal/luacall", "internal/queuelua", "pool")
	fakes      = append(slices.Clone(vocabulary), "internal/mp", "internal/queuelua", "tnttest")
	programs   = append(slices.Clone(sessions), "internal/link", "internal/replication", root, "box", "pool", "crud", "queue", "vshard", "cdc", "xlog", "tnttest", "internal/tarantool")

	// What a test talks to: the embedded server and real ones.
	servers = []string{"tnttest", "internal/tarantool"}
)

// The layers from the lowest up. A package of none of them fails the test, so
// that whoever adds one decides where it belongs.
var layers = []layer{
	{"errcode", nil, nil},
	{"iproto", nil, nil},
	{"types", []string{"errcode"}, servers},
	{"internal/mp", []string{"errcode", "types"}, servers},
	{"schema", []string{"internal/mp"}, servers},
	{"internal/wire", []string{"errcode", "iproto", "types", "internal/mp"}, servers},
	{"internal/replication", codec, nil},
	{"internal/tarantool", codec, nil},
	{"internal/session", codec, servers},
	{"internal/link", sessions, servers},
	// Fakes of Lua modules, on the embedded server.
	{"internal/queuelua", nil, nil},
	{"tnttest/crudtest", fakes, append(slices.Clone(clients), "crud")},
	{"tnttest/queuetest", fakes, append(slices.Clone(clients), "queue")},
	{"tnttest/vshardtest", fakes, append(slices.Clone(clients), "vshard", "pool")},
	{"tnttest", append(slices.Clone(codec), "internal/replication", "internal/tarantool"), append(slices.Clone(servers), root, "internal/session")},
	{"internal/burst", nil, nil},
	{root, append(slices.Clone(sessions), "internal/link", "internal/burst"), servers},
	{"box", clients, servers},
	{"pool", append(slices.Clone(clients), "box", "internal/burst"), servers},
	// What modules in Lua answer is decoded by parts, which takes the codec.
	{"internal/luacall", append(slices.Clone(clients), "internal/mp"), servers},
	{"crud", lua, append(slices.Clone(servers), "tnttest/crudtest")},
	{"queue", lua, append(slices.Clone(servers), "tnttest/queuetest")},
	{"vshard", append(slices.Clone(lua), "internal/burst"), append(slices.Clone(servers), "tnttest/vshardtest")},
	// The change stream is a client of its own: it speaks to the server below
	// package tnt, over a link.
	{"cdc", append(slices.Clone(sessions), "internal/link", "internal/replication", root, "pool"), servers},
	{"xlog", append(slices.Clone(codec), "internal/replication"), servers},
	{"arrow", clients, servers},
	{"internal/telemetry", append(slices.Clone(clients), "pool", "vshard"), servers},
	{"otel", append(slices.Clone(clients), "pool", "vshard", "internal/telemetry"), append(slices.Clone(servers), "tnttest/vshardtest")},
	{"prometheus", append(slices.Clone(clients), "pool", "vshard", "internal/telemetry"), append(slices.Clone(servers), "tnttest/vshardtest")},
	// The command and the benchmarks start servers as well as they connect.
	{"cmd", programs, nil},
	{"bench", programs, nil},
}

// public is what a module of its own that is no layer, such as examples, may
// import: what any user can.
var public = []string{root, "errcode", "iproto", "types", "schema", "box", "pool", "crud", "queue", "vshard", "cdc", "xlog", "otel", "prometheus", "tnttest", "tnttest/crudtest", "tnttest/queuetest", "tnttest/vshardtest"}

// testSupport is the ending of internal directories that only tests import, as
// in internal/archtest. They may import any layer.
const testSupport = "test"

// libraries are the direct requirements of the root module, and the layer that
// each is for. Whoever adds one makes every user of the connector download it:
// a module of its own is the place for what most do not need.
var libraries = map[string]string{
	"github.com/google/uuid":        anyLayer,
	"github.com/shopspring/decimal": anyLayer,
	"github.com/tinylib/msgp":       anyLayer,
	"golang.org/x/text":             anyLayer,
	"github.com/tidwall/btree":      "tnttest",
	"go.uber.org/goleak":            onlyTests,
	"pgregory.net/rapid":            onlyTests,
}

const (
	anyLayer  = "any layer"
	onlyTests = "tests"
)

// vagueNames say nothing of what a package holds.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "lib", "shared"}

// A source is a Go file of the repository.
type source struct {
	path    string // from the top, with slashes
	dir     string // the same of its directory; root for the top
	module  string // directory of the module it is in
	imports []string
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func TestImportsPointOneWay(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			dir, ours := ourDir(imported)
			if !ours {
				continue
			}
			if reason := forbidden(s, dir); reason != "" {
				t.Errorf("%s imports %s: %s", s.path, imported, reason)
			}
		}
	}
}

func TestPackagesHaveTheirPlace(t *testing.T) {
	for _, s := range sources(t) {
		if s.module == root && layerOf(s.dir) == nil && !isTestSupport(s.dir) {
			t.Errorf("%s is in no layer: add its directory to layers in internal/archtest", s.path)
		}
		if name := path.Base(s.dir); slices.Contains(vagueNames, name) {
			t.Errorf("%s: %q does not say what the package holds", s.path, name)
		}
	}
}

func TestLibrariesOfTheRootModuleAreFew(t *testing.T) {
	for _, required := range directRequirements(t) {
		if _, ok := libraries[required]; !ok {
			t.Errorf("go.mod requires %s, which is not in libraries of internal/archtest", required)
		}
	}
	for _, s := range sources(t) {
		if s.module != root || s.isTest() || isTestSupport(s.dir) {
			continue
		}
		for _, imported := range s.imports {
			library, place := libraryOf(imported)
			if place == "" || place == anyLayer || s.dir == place || strings.HasPrefix(s.dir, place+"/") {
				continue
			}
			t.Errorf("%s imports %s, which is for %s", s.path, library, place)
		}
	}
}

// The rules themselves: what they are for must be refused.
func TestRulesRefuse(t *testing.T) {
	for _, c := range []struct {
		file, imports string
		allowed       bool
	}{
		{"internal/mp/a.go", "types", true},
		{"types/a.go", "internal/mp", false},
		{"internal/mp/a.go", "internal/wire", false},
		{"internal/wire/a.go", "internal/mp", true},
		{"internal/wire/a.go", "internal/session", false},
		{"internal/session/a.go", root, false},
		{"conn.go", "internal/session", true},
		{"conn.go", "pool", false},
		{"conn.go", "tnttest", false},
		{"conn_test.go", "tnttest", true},
		{"conn.go", "internal/tarantool", false},
		{"conn_test.go", "internal/tarantool", true},
		{"cmd/tnt/a.go", "internal/tarantool", true},
		{"tnttest/a.go", "internal/session", false},
		{"tnttest/a.go", root, false},
		{"tnttest/a_test.go", root, true},
		{"box/a.go", root, true},
		{"box/a.go", "internal/wire", false},
		{"conn.go", "box", false},
		{"pool/a.go", root, true},
		{"pool/a.go", "tnttest", false},
		{"pool/inner/a.go", "pool", true},
		{"cmd/tnt/a.go", "tnttest", true},
		{"pool/a.go", "cmd/tnt", false},
		{"examples/a.go", root, true},
		{"examples/a.go", "internal/mp", false},
		{"conn.go", "examples", false},
		{"conn.go", "internal/servertest", false},
		{"conn_test.go", "internal/servertest", true},
		{"internal/servertest/a.go", "internal/session", true},
	} {
		s := source{path: c.file, dir: path.Dir(c.file), module: root}
		if strings.HasPrefix(c.file, "examples/") {
			s.module = "examples"
		}
		if reason := forbidden(s, c.imports); (reason == "") != c.allowed {
			t.Errorf("%s imports %s: allowed=%t wanted, reason %q", c.file, c.imports, c.allowed, reason)
		}
	}
}

// forbidden returns why a file may not import the package of our own in dir; ""
// where it may.
func forbidden(s source, dir string) string {
	switch from, to := layerOf(s.dir), layerOf(dir); {
	case s.dir == dir || (from != nil && from == to):
		return ""
	case isTestSupport(dir):
		if s.isTest() || isTestSupport(s.dir) {
			return ""
		}
		return "it is for tests only"
	case isTestSupport(s.dir):
		return ""
	case to == nil:
		return "it is not for other modules to import"
	case from == nil:
		if s.module != root && slices.Contains(public, to.dir) {
			return ""
		}
		return "a module of its own imports only what any user can: " + strings.Join(public, ", ")
	case slices.Contains(from.imports, to.dir), s.isTest() && slices.Contains(from.testImports, to.dir):
		return ""
	default:
		return "imports point one way: types -> mp -> wire -> session -> tnt -> pool -> cmd, tnttest beside tnt"
	}
}

// layerOf returns the layer of a directory, nil where it is in none. Only the
// top directory itself is in the root's layer.
func layerOf(dir string) *layer {
	for i := range layers {
		if l := &layers[i]; dir == l.dir || strings.HasPrefix(dir, l.dir+"/") {
			return l
		}
	}
	return nil
}

func isTestSupport(dir string) bool {
	return strings.HasPrefix(dir, "internal/") && strings.HasSuffix(dir, testSupport)
}

// ourDir returns the directory of an import path of this repository.
func ourDir(importPath string) (dir string, ours bool) {
	if importPath == module {
		return root, true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func libraryOf(importPath string) (library, place string) {
	for library, place := range libraries {
		if importPath == library || strings.HasPrefix(importPath, library+"/") {
			return library, place
		}
	}
	return "", ""
}

// sources reads the import clauses of every Go file in the repository.
func sources(t *testing.T) []source {
	t.Helper()
	top := os.DirFS(filepath.Join("..", ".."))
	modules := map[string]string{} // of each directory seen so far
	var found []source
	err := fs.WalkDir(top, root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if base := entry.Name(); name != root && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "vendor") {
				return fs.SkipDir
			}
			modules[name] = modules[path.Dir(name)]
			if _, err := fs.Stat(top, path.Join(name, "go.mod")); err == nil {
				modules[name] = name
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(top, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{path: name, dir: path.Dir(name), module: modules[path.Dir(name)]}
		for _, spec := range file.Imports {
			importPath, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, importPath)
		}
		found = append(found, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("found no Go files")
	}
	return found
}

// directRequirements returns the modules that the root's go.mod requires
// without "// indirect".
func directRequirements(t *testing.T) []string {
	t.Helper()
	text, err := exec.Command("go", "mod", "edit", "-json", filepath.Join("..", "..", "go.mod")).Output()
	if err != nil {
		t.Fatalf("go mod edit -json: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(text, &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	return direct
}
