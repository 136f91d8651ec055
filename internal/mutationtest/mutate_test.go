package mutationtest

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	dir     = flag.String("mutate.dir", "", "directory of the package to mutate, such as internal/session, from the top")
	only    = flag.String("mutate.files", "", "its files, by commas; all where it is empty")
	tests   = flag.String("mutate.run", ".", "tests to run, as go test -run has it")
	patient = flag.Duration("mutate.timeout", time.Minute, "how long the tests may take")
	extra   = flag.String("mutate.args", "", "further arguments of the tests, such as -rapid.nofailfile")
	numbers = flag.String("mutate.numbers", "", "numbers of the mutations to run, by commas; all where it is empty")
)

// TestMutate holds what is made of a small file against what should be.
func TestMutate(t *testing.T) {
	src := "package p\n\nfunc f(a, b int) bool {\n\tif a < b && b > 0 {\n\t\tg()\n\t\treturn true\n\t}\n\tx = 1\n\treturn a >= b\n}\n"
	got, made, err := Mutate("p.go", []byte(src), 1)
	if err != nil {
		t.Fatal(err)
	}
	var whats []string
	for i, m := range made {
		if m.N != i+1 {
			t.Errorf("mutation %d has the number %d", i+1, m.N)
		}
		whats = append(whats, m.What)
	}
	want := []string{
		"|| in place of && in a < b && b > 0", "<= in place of < in a < b", ">= in place of > in b > 0",
		"not (a < b && b > 0)", "without g()", "not true", "without x = 1", "> in place of >= in a >= b",
	}
	if strings.Join(whats, "; ") != strings.Join(want, "; ") {
		t.Errorf("got %q", whats)
	}
	if _, _, err := Mutate("again.go", got, 1); err != nil {
		t.Errorf("what came out is no Go: %v\n%s", err, got)
	}
}

// TestMutations mutates a package that is named by a flag, and lists what its
// tests miss: go test ./internal/mutationtest -run TestMutations -timeout 0 -v
// -mutate.dir=internal/session -mutate.files=slot.go,send.go.
func TestMutations(t *testing.T) {
	if *dir == "" {
		t.Skip("takes -mutate.dir: it runs the tests of a package once for each mutation")
	}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	pkg := filepath.Join(top, *dir)
	binary, made := build(t, top, pkg)
	reached := hits(t, binary, pkg)
	killed, survived, unreached := 0, 0, 0
	for _, m := range made {
		switch {
		case *numbers != "" && !strings.Contains(","+*numbers+",", ","+strconv.Itoa(m.N)+","):
		case !reached[m.N]:
			unreached++
			t.Logf("not reached: %v", m)
		case runTests(binary, pkg, "MUTANT="+strconv.Itoa(m.N)) == nil:
			survived++
			t.Logf("survived: %v", m)
		default:
			killed++
		}
	}
	t.Logf("%s %s: %d mutations killed, %d survived, %d not reached", *dir, *only, killed, survived, unreached)
}

// build compiles the tests of a package with all its mutations.
func build(t *testing.T, top, pkg string) (binary string, made []Mutation) {
	t.Helper()
	work := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte) {
		file := filepath.Join(work, strconv.Itoa(len(overlay.Replace))+".go")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[name] = file
	}
	name := ""
	for _, file := range files {
		base := filepath.Base(file)
		if strings.HasSuffix(base, "_test.go") || *only != "" && !strings.Contains(","+*only+",", ","+base+",") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mutated, list, err := Mutate(base, src, len(made)+1)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, list...)
		name = packageOf(string(src))
		put(file, mutated)
	}
	put(filepath.Join(pkg, "mutants.go"), Switch(name, len(made)))
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	where := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(where, list, 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(work, "mutants.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", where, "-o", binary, ".")
	cmd.Dir = pkg
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary, made
}

func packageOf(src string) string {
	for line := range strings.Lines(src) {
		if name, ok := strings.CutPrefix(line, "package "); ok {
			return strings.Fields(name)[0]
		}
	}
	return ""
}

// hits runs the tests without any mutation, and returns which are reached.
func hits(t *testing.T, binary, pkg string) map[int]bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hits")
	if err := runTests(binary, pkg, "MUTANT_HITS="+file); err != nil {
		t.Fatalf("the tests fail without any mutation: %v", err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	reached := map[int]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if n, err := strconv.Atoi(s.Text()); err == nil {
			reached[n] = true
		}
	}
	return reached
}

// runTests runs the tests; an error is that they fail, hang or crash.
func runTests(binary, pkg, env string) error {
	ctx, cancel := context.WithTimeout(context.Background(), *patient+10*time.Second)
	defer cancel()
	args := append([]string{"-test.failfast", "-test.timeout", patient.String(), "-test.run", *tests}, strings.Fields(*extra)...)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = pkg
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	if err != nil && os.Getenv("MUTANT_SHOW") != "" {
		_, _ = os.Stderr.Write(out)
	}
	return err
}
