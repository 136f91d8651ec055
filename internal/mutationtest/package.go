package mutationtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Package is one that was read, with what its expressions are.
type Package struct {
	Name        string
	Files       map[string]*ast.File // by their names, those of this system
	Names       []string             // in order
	TestImports []string

	files *token.FileSet
	types *types.Info
}

// Load reads the package of a directory.
func Load(dir string) (*Package, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=Name,ImportPath,Export,GoFiles,TestImports,XTestImports,DepOnly", ".")
	cmd.Dir = dir
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", dir, err, complaints.Bytes())
	}
	p := &Package{Files: map[string]*ast.File{}, files: token.NewFileSet(), types: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}}
	exports := map[string]string{}
	for list := json.NewDecoder(bytes.NewReader(out)); list.More(); {
		var one struct {
			Name, ImportPath, Export           string
			GoFiles, TestImports, XTestImports []string
			DepOnly                            bool
		}
		if err := list.Decode(&one); err != nil {
			return nil, err
		}
		exports[one.ImportPath] = one.Export
		if !one.DepOnly {
			p.Name, p.Names, p.TestImports = one.Name, one.GoFiles, slices.Concat(one.TestImports, one.XTestImports)
		}
	}
	syntax := make([]*ast.File, len(p.Names))
	for i, name := range p.Names {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if syntax[i], err = parser.ParseFile(p.files, name, src, parser.SkipObjectResolution); err != nil {
			return nil, err
		}
		p.Files[name] = syntax[i]
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(p.files, "gc", open)}
	_, err = config.Check(p.Name, p.files, syntax, p.types)
	return p, err
}
