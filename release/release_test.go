package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const testVersion = "v0.1.0"

// all has the test build the modules as well whose dependencies take minutes to
// build for the first time: make release-test.
var all = flag.Bool("release.all", false, "prove all modules, the large ones too")

// TestRelease releases a copy of the tree as it is now, changes that are not
// committed included, and has a module of a user build it from a proxy.
func TestRelease(t *testing.T) {
	ctx := t.Context()
	tree := copyOfTree(t)
	unproved := []string{"arrow", "otel", "prometheus"}
	if *all {
		unproved = nil
	}
	if err := run(ctx, t.Output(), tree, testVersion, false, unproved); err != nil {
		t.Fatal(err)
	}
	if tags := mustGit(t, tree, "tag"); tags != "" {
		t.Fatalf("a dry run made tags:\n%s", tags)
	}
	before := mustGit(t, tree, "rev-parse", "HEAD")

	work := t.TempDir()
	rel, err := prepare(ctx, tree, filepath.Join(work, "clone"), testVersion)
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.tag(ctx, tree); err != nil {
		t.Fatal(err)
	}
	tags := strings.Split(mustGit(t, tree, "tag"), "\n")
	for _, want := range []string{"v0.1.0", "arrow/v0.1.0", "cmd/tnt/v0.1.0", "msgpackv5/v0.1.0"} {
		if !slices.Contains(tags, want) {
			t.Errorf("the tag %s was not made", want)
		}
	}
	if len(tags) != len(rel.modules) {
		t.Errorf("tags %v for %d modules", tags, len(rel.modules))
	}
	for _, tag := range tags {
		if strings.HasPrefix(tag, "examples/") {
			t.Errorf("%s is for no user's module", tag)
		}
		text := mustGit(t, tree, "show", tag+":"+strings.TrimPrefix(strings.TrimSuffix(tag, testVersion)+"go.mod", "/"))
		if strings.Contains(text, "replace") {
			t.Errorf("%s has a replace:\n%s", tag, text)
		}
	}
	if after := mustGit(t, tree, "rev-parse", "HEAD"); after != before || mustGit(t, tree, "status", "--porcelain") != "" {
		t.Error("making tags changed the branch or the tree")
	}
	if err := checkTree(ctx, tree, testVersion); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("to tag again: %v, want that there are tags", err)
	}
}

// TestProofFails proves that the proof is one: a release that was not pinned, or
// lacks a sum, is refused.
func TestProofFails(t *testing.T) {
	ctx := t.Context()
	tree := copyOfTree(t)
	work := t.TempDir()
	rel, err := prepare(ctx, tree, filepath.Join(work, "clone"), testVersion)
	if err != nil {
		t.Fatal(err)
	}
	rel.modules = rel.modules[:1]
	mods, err := publishedModules(rel.dir)
	if err != nil {
		t.Fatal(err)
	}
	rel.modules = append(rel.modules, mods[slices.IndexFunc(mods, func(m mod) bool { return m.dir == "msgpackv5" })])
	sum := filepath.Join(rel.dir, "msgpackv5", "go.sum")
	text, err := os.ReadFile(sum)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Replace(text, []byte("tnt v0.1.0 h1:"), []byte("tnt v0.1.0 h1:A"), 1)
	if bytes.Equal(spoilt, text) {
		t.Fatalf("no sum of the root in\n%s", text)
	}
	if err := os.WriteFile(sum, spoilt, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rel.publish(filepath.Join(work, "proxy"), true); err != nil {
		t.Fatal(err)
	}
	err = rel.prove(ctx, filepath.Join(work, "proxy"), filepath.Join(work, "user"), nil)
	if err == nil || !strings.Contains(err.Error(), "checksum mismatch") {
		t.Errorf("a wrong sum: %v, want a checksum mismatch", err)
	}
}

// TestCompare releases a tree, removes an exported function of a nested module in it,
// and has that be told.
func TestCompare(t *testing.T) {
	if !*all {
		t.Skip("it builds modules with large dependencies: make release-test")
	}
	ctx := t.Context()
	tree := copyOfTree(t)
	work := t.TempDir()
	proxy := filepath.Join(work, "proxy")
	rel, err := prepare(ctx, tree, filepath.Join(work, "clone"), testVersion)
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.publish(proxy, true); err != nil {
		t.Fatal(err)
	}
	change(t, filepath.Join(tree, "prometheus", "pool.go"), "func NewPoolCollector(", "func newPoolCollector(")
	change(t, filepath.Join(tree, "pool", "stats.go"), "// Stats returns", "func (p *Pool) More() {}\n\n// Stats returns")
	mustGit(t, tree, "commit", "--quiet", "--all", "-m", "A change")
	var told bytes.Buffer
	uncompared := []string{"arrow", "cmd/tnt", "msgpackv5", "otel", "vshard/vshardyaml", "xlog"}
	if err := compare(ctx, &told, tree, testVersion, proxy, uncompared); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NewPoolCollector: removed", "(*Pool).More: added"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("%q is not told:\n%s", want, &told)
		}
	}
	if n := strings.Count(told.String(), "# summary"); n != len(rel.modules)-len(uncompared) {
		t.Errorf("%d summaries for %d modules", n, len(rel.modules)-len(uncompared))
	}
}

// change replaces a piece of a file.
func change(t *testing.T, file, old, by string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(old), []byte(by), 1)
	if bytes.Equal(changed, text) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestVersions(t *testing.T) {
	for version, valid := range map[string]bool{
		"v0.1.0": true, "v1.20.3": true, "v1.0.0-rc.1": true,
		"": false, "0.1.0": false, "v0.1": false, "v2.0.0": false, "v1.0.0+meta": false,
	} {
		if err := checkVersion(version); (err == nil) != valid {
			t.Errorf("%q: %v, valid=%t wanted", version, err, valid)
		}
	}
}

func TestForeignReplaceIsRefused(t *testing.T) {
	file, err := modfile.Parse("go.mod", []byte("module example.com/a\nreplace example.com/b => ../b\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pin(file, []mod{{dir: ".", path: "example.com/a"}}, testVersion); err == nil {
		t.Error("a replace of another's module was taken")
	}
}

func TestOrder(t *testing.T) {
	parse := func(dir, text string) mod {
		file, err := modfile.Parse("go.mod", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return mod{dir: dir, path: file.Module.Mod.Path, file: file}
	}
	top := parse(".", "module example.com/t\n")
	a := parse("a", "module example.com/t/a\nrequire example.com/t/b v0.0.0\n")
	b := parse("b", "module example.com/t/b\nrequire example.com/t v0.0.0\n")
	sorted, err := inOrder([]mod{a, b, top})
	if err != nil || sorted[0].dir != "." || sorted[1].dir != "b" || sorted[2].dir != "a" {
		t.Errorf("sorted %v, %v; want the root, b, a", sorted, err)
	}
	for name, mods := range map[string][]mod{
		"a circle":     {top, a, parse("b", "module example.com/t/b\nrequire example.com/t/a v0.0.0\n")},
		"no root":      {a, b},
		"a wrong path": {top, parse("c", "module example.com/t/d\n")},
	} {
		if _, err := inOrder(mods); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// copyOfTree makes a repository of one commit of the files of the tree that git
// does not ignore.
func copyOfTree(t *testing.T) string {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "test")
		t.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
	}
	dir := t.TempDir()
	for file := range strings.SplitSeq(mustGit(t, "..", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		text, err := os.ReadFile(filepath.Join("..", file))
		if os.IsNotExist(err) || file == "" {
			continue // deleted, but not in the index yet
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mustGit(t, dir, "init", "--quiet")
	mustGit(t, dir, "add", "--all", "--force")
	mustGit(t, dir, "commit", "--quiet", "-m", "The tree")
	return dir
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(context.WithoutCancel(t.Context()), dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
