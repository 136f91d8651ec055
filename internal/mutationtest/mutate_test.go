package mutationtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const sample = `package p

import "errors"

var errSmall = errors.New("small")

type size uint8

func f(a, b int, list []byte) (bool, error) {
	if a < b && b > 0 {
		println()
		return true, nil
	}
	if a == 7 {
		return false, errSmall
	}
	x := size(a<<3 | 1)
	x = x - 1
	go func() {
		if b != 0 || len(list[a:]) > 0 {
			return
		}
		panic("none")
	}()
	return a >= b && x != 2, nil
}
`

func TestMutate(t *testing.T) {
	p := load(t, sample, "")
	got, made, err := p.Mutate(p.Files["p.go"], 1)
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
		"<= in place of < in a < b", "0 + 1", ">= in place of > in b > 0", "|| in place of && in a < b && b > 0",
		"not (a < b && b > 0)", "not true", "without println()",
		"7 + 1", "not (a == 7)", "nil in place of the error errSmall",
		">> in place of << in a << 3", "1 + 1", "& in place of | in a<<3 | 1",
		"+ in place of - in x - 1", "without x = x - 1",
		"0 + 1", "== in place of != in b != 0", "0 + 1", ">= in place of > in len(list[a:]) > 0",
		"&& in place of || in b != 0 || len(list[a:]) > 0", "not (b != 0 || len(list[a:]) > 0)", "without return",
		"without go func() { ...",
		"> in place of >= in a >= b", "== in place of != in x != 2", "|| in place of && in a >= b && x != 2",
	}
	slices.Sort(whats)
	slices.Sort(want)
	if !slices.Equal(whats, want) {
		t.Errorf("got %q, want %q, in\n%s", whats, want, got)
	}
}

// load reads a package of one file.
func load(t *testing.T, src, test string) *Package {
	t.Helper()
	p, err := Load(write(t, src, test))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// write makes a module of one file and its tests, and returns where.
func write(t *testing.T, src, test string) string {
	t.Helper()
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.26\n", "p.go": src, "p_test.go": test} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFates(t *testing.T) {
	dir := write(t, `package p

func Least(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func Wait(done chan int) { done <- 5 }

func Unused() bool { return true }
`, `package p

import ("os"; "testing")

func TestLeast(t *testing.T) {
	if Least(1, 2) != 1 || Least(2, 1) != 1 {
		t.Error("not the least")
	}
}

func TestWait(t *testing.T) {
	done := make(chan int)
	go Wait(done)
	<-done
}

func TestPath(t *testing.T) {
	if os.Getenv("PATH") == "" {
		t.Error("there is no PATH")
	}
}
`)
	tests, err := Build(dir, t.TempDir(), nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := tests.Measure("."); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tests.Failing, " "); got != "TestPath" {
		t.Errorf("without a mutation %q failed", got)
	}
	want := map[string]Fate{
		"<= in place of < in a < b": Survived, // of two equal numbers either is the least
		"not (a < b)":               Killed,
		"5 + 1":                     Survived,
		"without done <- 5":         Hung,
		"not true":                  Unreached,
	}
	if len(tests.Made) != len(want) {
		t.Errorf("%d mutations: %v", len(tests.Made), tests.Made)
	}
	for _, m := range tests.Made {
		if got := tests.Try(m.N); got != want[m.What] {
			t.Errorf("%s: %v", m.What, got)
		}
	}
}
