package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// kept are the directories of modules that are for work on the project itself: no
// user's module requires them.
var kept = []string{"bench", "examples", "release"}

// isKept reports whether a module is in one of those, or below it.
func isKept(dir string) bool {
	top, _, _ := strings.Cut(dir, "/")
	return slices.Contains(kept, top)
}

// A mod is one module of the tree that is published.
type mod struct {
	dir  string // from the top, with slashes; "." for the root
	path string
	file *modfile.File
}

// tag returns the name of the tag that makes a version of the module known.
func (m mod) tag(version string) string {
	if m.dir == "." {
		return version
	}
	return m.dir + "/" + version
}

func (m mod) at(version string) module.Version {
	return module.Version{Path: m.path, Version: version}
}

// needs returns the paths of what the module requires.
func (m mod) needs() []string {
	var paths []string
	for _, r := range m.file.Require {
		paths = append(paths, r.Mod.Path)
	}
	return paths
}

// publishedModules returns the modules of a tree that users may require, each
// behind those that it requires itself.
func publishedModules(tree string) ([]mod, error) {
	var found []mod
	err := filepath.WalkDir(tree, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && file != tree && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if d.Name() != "go.mod" {
			return nil
		}
		m, err := readModule(tree, filepath.Dir(file))
		if err == nil && !isKept(m.dir) {
			found = append(found, m)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return inOrder(found)
}

func readModule(tree, dir string) (mod, error) {
	name := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(name)
	if err != nil {
		return mod{}, err
	}
	file, err := modfile.Parse(name, text, nil)
	if err != nil {
		return mod{}, err
	}
	rel, err := filepath.Rel(tree, dir)
	if err != nil {
		return mod{}, err
	}
	return mod{dir: filepath.ToSlash(rel), path: file.Module.Mod.Path, file: file}, nil
}

// inOrder sorts modules so that each is behind those that it requires. It refuses
// a module whose path is not that of its directory, because its tag would be for
// another one.
func inOrder(mods []mod) ([]mod, error) {
	var top mod
	for _, m := range mods {
		if m.dir == "." {
			top = m
		}
	}
	if top.path == "" {
		return nil, errors.New("there is no go.mod at the top of the tree")
	}
	var sorted []mod
	placed := map[string]bool{}
	for len(sorted) < len(mods) {
		before := len(sorted)
		for _, m := range mods {
			if want := path.Join(top.path, m.dir); m.path != want {
				return nil, fmt.Errorf("%s/go.mod names the module %s, want %s", m.dir, m.path, want)
			}
			if !placed[m.path] && !slices.ContainsFunc(m.needs(), func(p string) bool {
				return isOurs(mods, p) && !placed[p]
			}) {
				placed[m.path] = true
				sorted = append(sorted, m)
			}
		}
		if len(sorted) == before {
			return nil, errors.New("modules require each other in a circle")
		}
	}
	return sorted, nil
}

func isOurs(mods []mod, path string) bool {
	return slices.ContainsFunc(mods, func(m mod) bool { return m.path == path })
}

// checkVersion refuses what can't be a tag of these modules: from v2 on their
// paths would have to end with the major version.
func checkVersion(version string) error {
	switch {
	case !semver.IsValid(version) || semver.Canonical(version) != version:
		return fmt.Errorf("%q is no version such as v0.1.0", version)
	case semver.Compare(semver.Major(version), "v1") > 0:
		return fmt.Errorf("%s needs /%s at the end of every module's path first", version, semver.Major(version))
	}
	return nil
}
