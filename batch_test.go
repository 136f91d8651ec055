package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// told is a hook that notes what it is told of requests.
type told struct {
	begun []tnt.RequestInfo
	ended []tnt.RequestEnd
}

func (h *told) OnRequestStart(ctx context.Context, _ *tnt.Conn, req tnt.RequestInfo) context.Context {
	h.begun = append(h.begun, req)
	return ctx
}

func (h *told) OnRequestEnd(_ context.Context, _ *tnt.Conn, _ tnt.RequestInfo, end tnt.RequestEnd) {
	h.ended = append(h.ended, end)
}

// toldOf connects to users, and returns what the hook is told of what do does.
func toldOf(t *testing.T, do func(conn *tnt.Conn)) ([]tnt.RequestInfo, []tnt.RequestEnd) {
	t.Helper()
	h := &told{}
	conn := connect(t, tnt.Options{Address: withUsers(t).Addr(), PingInterval: tnt.Never, Hooks: []tnt.Hook{h}})
	h.begun, h.ended = nil, nil
	do(conn)
	return slices.Clone(h.begun), slices.Clone(h.ended)
}

// TestHooksOfBatches are told what the requests of a batch have in common.
func TestHooksOfBatches(t *testing.T) {
	insert := tnt.Insert{Space: "users", Tuple: []any{1, "x"}}
	for name, c := range map[string]struct {
		reqs []tnt.Request
		want tnt.RequestInfo
	}{
		"the same":        {[]tnt.Request{insert, insert}, tnt.RequestInfo{Type: iproto.TypeInsert, Space: "users", Size: 2}},
		"one":             {[]tnt.Request{insert}, tnt.RequestInfo{Type: iproto.TypeInsert, Space: "users", Size: 1}},
		"of two indexes":  {[]tnt.Request{tnt.Select{Space: "users", Index: "pk"}, tnt.Select{Space: "users", Index: "name"}}, tnt.RequestInfo{Type: iproto.TypeSelect, Size: 2}},
		"of two types":    {[]tnt.Request{insert, tnt.Ping{}, insert}, tnt.RequestInfo{Size: 3}},
		"and none":        {[]tnt.Request{nil, insert, nil}, tnt.RequestInfo{Type: iproto.TypeInsert, Space: "users", Size: 3}},
		"more than a few": {make([]tnt.Request, 600), tnt.RequestInfo{Size: 600}},
	} {
		begun, ended := toldOf(t, func(conn *tnt.Conn) { conn.Batch(testContext(t), c.reqs...) })
		for i := range begun {
			begun[i].SpaceID = 0 // the schema has it
		}
		if !slices.Equal(begun, []tnt.RequestInfo{c.want}) || len(ended) != 1 {
			t.Errorf("%s: begun %+v, %d ended", name, begun, len(ended))
		}
	}
}

// TestHooksOfBatchesThatFail are told the first error, or that the loop was left.
func TestHooksOfBatchesThatFail(t *testing.T) {
	insert := func(id any) tnt.Insert { return tnt.Insert{Space: "users", Tuple: []any{id, fmt.Sprint(id)}} }
	_, ended := toldOf(t, func(conn *tnt.Conn) {
		results := conn.Batch(testContext(t), insert(1), insert(1), insert(make(chan int)), insert(2))
		if results[0].Err != nil || !errors.Is(results[1].Err, errcode.TupleFound) || results[3].Err != nil {
			t.Errorf("the results are %v", results)
		}
		var re *tnt.RequestError
		if err := results[2].Err; !errors.As(err, &re) || re.Fate() != tnt.FateUnsent {
			t.Errorf("what can't be encoded ends with %v", err)
		}
	})
	if len(ended) != 1 || !errors.Is(ended[0].Err, errcode.TupleFound) || ended[0].Rows != 2 || ended[0].Sent == 0 || ended[0].Received == 0 {
		t.Errorf("told %+v", ended)
	}
	_, ended = toldOf(t, func(conn *tnt.Conn) {
		for _, err := range tnt.Each[any](testContext(t), conn, []tnt.Insert{insert(1), insert(2), insert(3)}) {
			if err != nil {
				t.Error(err)
			}
		}
	})
	if len(ended) != 1 || ended[0].Err != nil || ended[0].Rows != 3 {
		t.Errorf("told %+v", ended)
	}
	_, ended = toldOf(t, func(conn *tnt.Conn) {
		for _, err := range tnt.Each[any](testContext(t), conn, []tnt.Insert{insert(1), insert(2), insert(3)}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	})
	if len(ended) != 1 || !errors.Is(ended[0].Err, tnt.ErrLeft) {
		t.Errorf("of a loop that was left told %+v", ended)
	}
}

// TestHookThatPanicsLeavesNothing in flight, whatever it was told.
func TestHookThatPanicsLeavesNothing(t *testing.T) {
	for name, req := range map[string]tnt.Request{
		"an answer": tnt.Insert{Space: "users", Tuple: []any{1, "x"}},
		"an error":  tnt.Insert{Space: "users", Tuple: []any{"x", 1}},
	} {
		hook := &panicOnce{"INSERT"}
		conn := connect(t, tnt.Options{Address: withUsers(t).Addr(), PingInterval: tnt.Never, Hooks: []tnt.Hook{hook}})
		func() {
			defer func() { _ = recover() }()
			_, err := conn.Do(testContext(t), req)
			t.Errorf("%s: no panic, %v", name, err)
		}()
		if n := conn.Stats().InFlight; n != 0 {
			t.Errorf("%s: %d in flight", name, n)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Errorf("%s, then: %v", name, err)
		}
	}
}

// TestNamesOfAFuture decodes the answer to a request of Go by the names of fields.
func TestNamesOfAFuture(t *testing.T) {
	conn := connect(t, tnt.Options{Address: withUsers(t).Addr(), PingInterval: tnt.Never})
	var user struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	resp, err := conn.Go(testContext(t), tnt.Insert{Space: "users", Tuple: []any{7, "x"}}).Wait(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Decode(&user); err != nil || user.ID != 7 || user.Name != "x" {
		t.Errorf("%+v, %v", user, err)
	}
}
