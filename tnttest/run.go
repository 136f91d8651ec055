package tnttest

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// TB is what Run and the assertions need of *testing.T, *testing.B or *testing.F.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Run starts a server for a test and closes it when the test ends. It listens
// on a free port of 127.0.0.1; with the option InMemory it has no port, and
// Dial is the way to it.
func Run(tb TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Start(opts...)
	if err != nil {
		tb.Fatalf("tnttest: %v", err)
		return nil
	}
	tb.Cleanup(func() { _ = s.Close() })
	if s.opts.inMemory {
		return s
	}
	if _, err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		tb.Fatalf("tnttest: %v", err)
	}
	return s
}

// InMemory makes Run open no port: clients connect by Dial. It is what tests
// with testing/synctest need.
func InMemory() Option { return func(o *options) { o.inMemory = true } }

// URL returns the address as a URL: tarantool://127.0.0.1:3301.
func (s *Server) URL() string { return "tarantool://" + s.Addr() }

// UserURL returns the address as a URL with a user to log in as.
func (s *Server) UserURL(name, password string) string {
	u := url.URL{Scheme: "tarantool", Host: s.Addr(), User: url.UserPassword(name, password)}
	return u.String()
}

// AssertTuples fails the test unless the space holds these tuples, in the
// order of its primary index. It prints both sides, a tuple a line.
func AssertTuples(tb TB, sp *Space, want ...[]any) {
	tb.Helper()
	got, err := sp.raw(memtx.IterAll, allTuples, nil)
	if err != nil {
		tb.Errorf("tnttest: reading space %s: %v", sp.Name(), err)
		return
	}
	wanted := make([][]byte, len(want))
	for i, t := range want {
		if wanted[i], err = appendTupleOf(nil, t); err != nil {
			tb.Errorf("tnttest: wanted tuple %d: %v", i, err)
			return
		}
	}
	if !slices.EqualFunc(got, wanted, memtx.Same) {
		tb.Errorf("space %s holds\n%s\nwant\n%s", sp.Name(), lines(got), lines(wanted))
	}
}

func lines(tuples [][]byte) string {
	if len(tuples) == 0 {
		return "    no tuples"
	}
	var s strings.Builder
	for i, t := range tuples {
		if i > 0 {
			s.WriteByte('\n')
		}
		fmt.Fprintf(&s, "    %s", memtx.FormatTuple(t))
	}
	return s.String()
}

// AssertReceived fails the test unless the server received a number of
// requests of a type.
func AssertReceived(tb TB, s *Server, t iproto.Type, want uint64) {
	tb.Helper()
	if got := s.Counters().Requests[t]; got != want {
		tb.Errorf("the server received %d requests of type %v, want %d; in all:%s", got, t, want, s.received())
	}
}

// received lists the counters by type.
func (s *Server) received() string {
	counts := s.Counters().Requests
	keys := make([]iproto.Type, 0, len(counts))
	for t := range counts {
		keys = append(keys, t)
	}
	slices.SortFunc(keys, cmp.Compare)
	var b strings.Builder
	for _, t := range keys {
		fmt.Fprintf(&b, " %v=%d", t, counts[t])
	}
	return b.String()
}
