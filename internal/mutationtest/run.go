package mutationtest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tests are those of a package, compiled with mutations.
type Tests struct {
	Made    []Mutation
	Failing []string // without any mutation, and so of no use
	Servers bool     // tests find the real servers at hand; else they use the embedded one only

	dir, work, binary string
	args              []string
	patience          time.Duration
	tests             []test
}

// test is one of them, and how it does without a mutation.
type test struct {
	name    string
	took    time.Duration
	reaches map[int]bool
}

// Fate is what became of a mutation.
type Fate int

// What becomes of mutations.
const (
	Unreached Fate = iota
	Survived
	Killed
	Hung
)

func (f Fate) String() string {
	return [...]string{"not reached", "survived", "killed", "killed, for the tests hang"}[f]
}

// Build compiles the tests of a directory with the mutations of its files, of
// those that are named if any is, in a directory that is there to work in.
func Build(dir, work string, only []string, patience time.Duration) (*Tests, error) {
	p, err := Load(dir)
	if err != nil {
		return nil, err
	}
	t := &Tests{dir: dir, work: work, binary: filepath.Join(work, "mutants.test"), patience: patience}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	put := func(name string, b []byte) error {
		file := filepath.Join(work, name)
		overlay.Replace[filepath.Join(dir, name)] = file
		return os.WriteFile(file, b, 0o600)
	}
	for _, name := range p.Names {
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		mutated, made, err := p.Mutate(p.Files[name], len(t.Made)+1)
		if err != nil {
			return nil, err
		}
		t.Made = append(t.Made, made...)
		if err := put(name, mutated); err != nil {
			return nil, err
		}
	}
	if err := put("mutants.go", Switch(p.Name, len(t.Made))); err != nil {
		return nil, err
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	where := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(where, list, 0o600); err != nil {
		return nil, err
	}
	// What rapid finds by a mutation is not to stay in the tree.
	if slices.Contains(p.TestImports, "pgregory.net/rapid") {
		t.args = []string{"-rapid.nofailfile"}
	}
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", where, "-o", t.binary, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return t, nil
}

// Measure runs each test that fits by itself and without any mutation, to learn
// how long it takes and which it reaches.
func (t *Tests) Measure(fit string, args ...string) error {
	list, err := exec.Command(t.binary, "-test.list", fit).Output()
	if err != nil {
		return err
	}
	t.args = append(t.args, args...)
	for name := range strings.Lines(string(list)) {
		one := test{name: strings.TrimSpace(name), reaches: map[int]bool{}}
		if strings.Contains(one.name, " ") {
			continue // a TestMain has something to say
		}
		hits := filepath.Join(t.work, "hits."+one.name)
		begun := time.Now()
		if err := t.run([]test{one}, t.patience, "MUTANT_HITS="+hits); err != nil {
			t.Failing = append(t.Failing, one.name)
			continue
		}
		one.took = time.Since(begun)
		b, err := os.ReadFile(hits)
		if err != nil {
			return err
		}
		for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
			n, err := strconv.Atoi(s.Text())
			if err != nil {
				return err
			}
			one.reaches[n] = true
		}
		t.tests = append(t.tests, one)
	}
	slices.SortFunc(t.tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	return nil
}

// Try runs the tests that reach a mutation with it on, the quick ones first.
func (t *Tests) Try(n int) Fate {
	fate := Unreached
	var some []test
	var took time.Duration
	for i, one := range t.tests {
		if one.reaches[n] {
			some = append(some, one)
			took += one.took
		}
		last := i == len(t.tests)-1
		if len(some) == 0 || took < time.Second && len(some) < 20 && !last {
			continue
		}
		switch err := t.run(some, t.patience+3*took, "MUTANT="+strconv.Itoa(n)); {
		case err == nil:
			fate = Survived
		case strings.Contains(err.Error(), "panic: test timed out") || strings.Contains(err.Error(), "signal: killed"):
			return Hung
		default:
			return Killed
		}
		some, took = nil, 0
	}
	return fate
}

// run runs tests; an error is that they fail, hang or crash.
func (t *Tests) run(tests []test, patience time.Duration, env string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience+5*time.Second)
	defer cancel()
	names := make([]string, len(tests))
	for i, one := range tests {
		names[i] = one.name
	}
	args := []string{"-test.failfast", "-test.timeout", patience.String(), "-test.run", "^(" + strings.Join(names, "|") + ")$"}
	cmd := exec.CommandContext(ctx, t.binary, append(args, t.args...)...)
	cmd.Dir = t.dir
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "TMPDIR="+t.work, env)
	if !t.Servers {
		cmd.Env = append(cmd.Env, "PATH=", "TARANTOOL=")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
