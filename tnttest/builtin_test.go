package tnttest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// callsOfBox are calls of Lua's box in a stream, each of which gets one of its own.
func callsOfBox() (calls []tnt.Call) {
	for _, args := range [][]any{
		nil,
		{[]any{}},
		{[]any{1}},
		{"x"},
		{true},
		{map[string]any{}, 1},
		{map[string]any{"odd": 1}},
		{map[string]any{"timeout": 0}},
		{map[string]any{"timeout": -1}},
		{map[string]any{"timeout": 0.5}},
		{map[string]any{"timeout": "1"}},
		{map[string]any{"timeout": nil}},
		{map[string]any{"txn_isolation": 0}},
		{map[string]any{"txn_isolation": 4}},
		{map[string]any{"txn_isolation": 5}},
		{map[string]any{"txn_isolation": 1.5}},
		{map[string]any{"txn_isolation": "READ_COMMITTED"}},
		{map[string]any{"txn_isolation": "READ-COMMITTED"}},
		{map[string]any{"txn_isolation": "read_committed"}},
		{map[string]any{"txn_isolation": "best-effort"}},
		{map[string]any{"txn_isolation": ""}},
		{map[string]any{"txn_isolation": nil}},
		{map[string]any{"is_sync": true}},
		{map[string]any{"is_sync": false}},
		{map[string]any{"is_sync": 1}},
	} {
		calls = append(calls, tnt.Call{Function: "box.begin", Args: args})
	}
	return append(calls, tnt.Call{Function: "box.session.push"}, tnt.Call{Function: "box.nosuch"}, tnt.Call{Function: "nosuch"})
}

func TestBoxAsTheRealOne(t *testing.T) {
	programs, err := tarantool.Find()
	must(t, err)
	compared := false
	for _, p := range programs {
		if !p.Version.AtLeast(3, 2, 0) {
			continue // no streams, or other options
		}
		compared = true
		real, err := tarantool.Start(p.Path, "")
		must(t, err)
		t.Cleanup(func() { _ = real.Close() })
		answers := func(address string) (all []string) {
			conn, err := tnt.Connect(t.Context(), address)
			must(t, err)
			defer func() { _ = conn.Close() }()
			for _, call := range callsOfBox() {
				s := conn.Stream()
				resp, err := s.Do(t.Context(), call)
				answer := fmt.Sprint(resp)
				var e *tnt.Error
				if errors.As(err, &e) {
					answer = fmt.Sprint(e.Type, e.Message, e.Fields)
				}
				all = append(all, answer)
				_ = s.Rollback(t.Context())
			}
			return all
		}
		got, want := answers(tnttest.Run(t).Addr()), answers(real.Address)
		for i, call := range callsOfBox() {
			if got[i] != want[i] {
				t.Errorf("%v: %s%v\n  got  %s\n  want %s", p.Version, call.Function, call.Args, got[i], want[i])
			}
		}
	}
	if !compared {
		t.Skip("no real Tarantool of 3.2 or later in TARANTOOL")
	}
}

// TestBoxBeginTimeout has the timeout of box.begin come.
func TestBoxBeginTimeout(t *testing.T) {
	clock := tnttest.NewManualClock(time.Now())
	srv := tnttest.Run(t, membersSpace, tnttest.WithClock(clock))
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	must(t, err)
	defer func() { _ = conn.Close() }()
	s := conn.Stream()
	_, err = s.Call(t.Context(), "box.begin", map[string]any{"timeout": 10})
	must(t, err)
	clock.Advance(time.Minute)
	if _, err := s.Call(t.Context(), "box.commit"); !errors.Is(err, errcode.TransactionTimeout) {
		t.Errorf("got %v", err)
	}
}
