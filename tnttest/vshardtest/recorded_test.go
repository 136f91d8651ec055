package vshardtest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// functions are those that the recorded storages had.
func functions(c *vshardtest.Cluster) {
	for name, h := range map[string]vshardtest.Handler{
		"echo":    func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil },
		"many":    func(*vshardtest.Call) ([]any, error) { return []any{1, "two", []any{3}}, nil },
		"nothing": func(*vshardtest.Call) ([]any, error) { return nil, nil },
		"nil_err": func(*vshardtest.Call) ([]any, error) {
			return []any{nil, map[string]any{"code": 7, "msg": "by return"}}, nil
		},
		"fail_lua": func(*vshardtest.Call) ([]any, error) { return nil, errors.New("a Lua error") },
		"fail_box": func(*vshardtest.Call) ([]any, error) {
			return nil, &types.Error{Type: "IllegalParams", Code: errcode.IllegalParams, Message: "own words"}
		},
	} {
		c.Handle(name, h)
	}
}

// state brings the fake to where the recorded cluster was.
func state(c *vshardtest.Cluster, l recordedtest.Line, finish, forget *func()) {
	none := func() {}
	switch l.N {
	case 166:
		c.Disable(1, 0, true)
	case 173:
		c.Disable(1, 0, false)
	case 179:
		c.Lock(57)
	case 182:
		*finish, *forget = c.Send(57, 0)
		(*finish)()
	case 188:
		(*forget)()
		*finish, *forget = none, none
	case 191:
		c.Lock(58)
	case 199:
		*finish, *forget = c.Send(58, 0)
	case 205:
		(*finish)()
	case 220:
		c.SetMaster(1, 1)
	}
}

// The fake answers as storages did, through a bucket's whole way.
func TestRecorded(t *testing.T) {
	lines := recordedtest.Load(t, "../../vshard/testdata/vshard-3.8.jsonl", 246)
	cluster := vshardtest.Run(t, vshardtest.Options{})
	functions(cluster)
	conns := make(map[string]*tnt.Conn)
	for s, name := range []string{"s2", "s1"} { // the recorded one has the first buckets in the second set
		for i, letter := range []string{"a", "b"} {
			conn, err := tnt.Connect(t.Context(), cluster.Sets()[s].Instances[i].Server.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conns[name+letter] = conn
		}
	}
	none := func() {}
	finish, forget := none, none
	compared := 0
	for _, l := range lines[:218] {
		state(cluster, l, &finish, &forget)
		conn := conns[l.Conn]
		if conn == nil || !strings.HasPrefix(l.Function, "vshard.storage.") || skipped(l) {
			continue
		}
		resp, err := conn.Do(t.Context(), tnt.Call{Function: l.Function, Args: l.Arguments(t)})
		if wrong := l.Differs(resp, err, shape); wrong != "" {
			t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
		}
		compared++
	}
	if compared < 74 {
		t.Errorf("%d lines were compared", compared)
	}
}

// skipped reports whether a line is of what the fake does not have: functions
// for administrators, spaces, mistakes in arguments, and pauses.
func skipped(l recordedtest.Line) bool {
	for _, part := range []string{
		"bucket_pin", "bucket_unpin", "bucket_send", "buckets_count", "buckets_info", "sync", "storage._call info with_health",
	} {
		if strings.HasSuffix(l.Function, part) {
			return true
		}
	}
	for _, part := range []string{
		"args nil", "args left out", "a string", "writes", "duplicate", "pin", "with_health", "has expired", "ref_check", "ref on a replica",
		"call: nothing", "map: fails", "after it was sent, 0.0", "rebalance", "sent: read on the replica", "a large bucket in transfer: stat",
	} {
		if strings.Contains(l.Case, part) {
			return true
		}
	}
	// A replica that is behind, and what came before it was caught up.
	return l.N >= 193 && l.N <= 195 || l.N == 207 || l.N == 64 || l.N == 74
}

// shape is an answer without what differs between clusters: UUIDs, texts and
// traces.
func shape(values []any) string {
	var parts []string
	for i, v := range values {
		switch m := v.(type) {
		case map[string]any:
			if kind, ok := m["type"]; ok {
				details, _ := m["details"].(*types.Error)
				parts = append(parts, fmt.Sprint(kind, m["name"], m["code"], m["reason"], m["bucket_id"], m["destination"] != nil, details != nil && details.Code != 32))
				continue
			}
			delete(m, "health")
		case map[any]any:
			parts = append(parts, fmt.Sprint(m["status"], m["id"]))
			continue
		case nil:
			if i == len(values)-1 {
				continue
			}
		}
		parts = append(parts, fmt.Sprint(v))
	}
	return strings.Join(parts, "; ")
}
