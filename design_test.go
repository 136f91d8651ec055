package tnt_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDesignMap holds the map of DESIGN.md against the tree: each file of the package and
// each package of the repository is in it, and nothing that is not there.
func TestDesignMap(t *testing.T) {
	text, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, design, _ := strings.Cut(string(text), "## Map")
	packages, rest, _ := strings.Cut(design, "In package `tnt`:")
	files, _, ok := strings.Cut(rest, "\n## ")
	if !ok {
		t.Fatal("DESIGN.md has no map of the package's files")
	}
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	named := inBackquotes(files)
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") || file == "doc.go" {
			continue
		}
		if !named[file] && (!strings.HasPrefix(file, "request_") || !named["request_*.go"]) {
			t.Errorf("%s is not in the map", file)
		}
	}
	for file := range named {
		if found, _ := filepath.Glob(file); strings.HasSuffix(file, ".go") && found == nil {
			t.Errorf("%s is in the map and not in the tree", file)
		}
	}
	places := inBackquotes(packages)
	dirs, err := filepath.Glob("internal/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		if !places[filepath.ToSlash(dir)] {
			t.Errorf("%s is not in the map", dir)
		}
	}
}

func inBackquotes(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}
