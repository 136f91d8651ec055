package mutationtest

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	dir     = flag.String("mutate.dir", "", "directory of the package to mutate, such as internal/session, from the top")
	only    = flag.String("mutate.files", "", "its files, by commas; all where it is empty")
	fit     = flag.String("mutate.run", ".", "tests to run, as go test -run has it")
	patient = flag.Duration("mutate.timeout", 10*time.Second, "how long tests may take, beside three times what they take without a mutation")
	extra   = flag.String("mutate.args", "", "further arguments of the tests, such as -rapid.checks=20")
	numbers = flag.String("mutate.numbers", "", "numbers of the mutations to run, by commas; all where it is empty")
	sampled = flag.Int("mutate.sample", 0, "how many mutations to draw; all where it is 0")
	seed    = flag.Uint64("mutate.seed", 1, "what they are drawn by")
	servers = flag.Bool("mutate.servers", false, "whether tests use the real servers at hand too, which takes long")
	workers = flag.Int("mutate.workers", runtime.NumCPU(), "how many mutations to try at once")
)

// TestMutations mutates a package that is named by a flag, and lists what its
// tests miss: make mutate DIR=internal/session FILES=slot.go,send.go.
func TestMutations(t *testing.T) {
	if *dir == "" {
		t.Skip("takes -mutate.dir: it runs the tests of a package for each mutation")
	}
	tests := build(t)
	begun := time.Now()
	var (
		wait   sync.WaitGroup
		mu     sync.Mutex
		counts [Hung + 1]int
		next   = make(chan Mutation)
	)
	for range *workers {
		wait.Go(func() {
			for m := range next {
				fate := tests.Try(m.N)
				mu.Lock()
				counts[fate]++
				if fate != Killed {
					t.Logf("%v: %v", fate, m)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range drawn(tests.Made) {
		next <- m
	}
	close(next)
	wait.Wait()
	killed := counts[Killed] + counts[Hung]
	tried := killed + counts[Survived] + counts[Unreached]
	t.Logf("%s %s: %d of %d mutations tried in %v: %d killed (%d of them hang), %d survived, %d not reached: %.1f%%",
		*dir, *only, tried, len(tests.Made), time.Since(begun).Round(time.Second),
		killed, counts[Hung], counts[Survived], counts[Unreached], 100*float64(killed)/float64(max(tried, 1)))
}

// build compiles and measures the tests that the flags ask for.
func build(t *testing.T) *Tests {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// A short name: tests make unix sockets there.
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	tests, err := Build(filepath.Join(top, *dir), work, fields(*only), *patient)
	if err != nil {
		t.Fatal(err)
	}
	tests.Servers = *servers
	if err := tests.Measure(*fit, strings.Fields(*extra)...); err != nil {
		t.Fatal(err)
	}
	for _, name := range tests.Failing {
		t.Logf("left out, for it fails without a mutation: %s", name)
	}
	return tests
}

// drawn returns the mutations to try, in their order.
func drawn(made []Mutation) []Mutation {
	if list := fields(*numbers); list != nil {
		return slices.DeleteFunc(made, func(m Mutation) bool { return !slices.Contains(list, strconv.Itoa(m.N)) })
	}
	if *sampled == 0 || *sampled >= len(made) {
		return made
	}
	picked := rand.New(rand.NewPCG(*seed, 0)).Perm(len(made))[:*sampled]
	slices.Sort(picked)
	list := make([]Mutation, len(picked))
	for i, n := range picked {
		list[i] = made[n]
	}
	return list
}

func fields(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
