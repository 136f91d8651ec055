package tarantool

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gotnt/tnt/iproto"
)

// Program is a Tarantool binary that is there to be run.
type Program struct {
	Path    string
	Version iproto.Version
}

// Find returns the binaries to test with: the one on PATH, and those that the
// environment's TARANTOOL lists, as PATH lists folders. One that can't be run
// is an error; that there is none at all is not.
func Find() ([]Program, error) {
	var paths []string
	if path, err := exec.LookPath("tarantool"); err == nil {
		paths = append(paths, path)
	}
	for _, path := range filepath.SplitList(os.Getenv("TARANTOOL")) {
		if path != "" {
			paths = append(paths, path)
		}
	}
	var programs []Program
	seen := map[string]bool{}
	for _, path := range paths {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		p, err := probe(path)
		if err != nil {
			return nil, err
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// probe asks a binary for its version.
func probe(path string) (Program, error) {
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return Program{}, err
	}
	line, _, _ := strings.Cut(string(out), "\n")
	for word := range strings.FieldsSeq(line) {
		if v, err := iproto.ParseVersion(word); err == nil {
			return Program{Path: path, Version: v}, nil
		}
	}
	return Program{}, &VersionError{Path: path, Line: line}
}

// VersionError reports a program that does not say which Tarantool it is.
type VersionError struct{ Path, Line string }

// Error says the program and what it said.
func (e *VersionError) Error() string { return e.Path + ": no version in " + e.Line }
