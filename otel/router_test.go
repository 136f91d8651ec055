package tntotel_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/vshard"
)

// newRouter returns a fake cluster of two replica sets, and a router of it with
// hooks.
func (w *world) newRouter(t *testing.T) (*vshardtest.Cluster, *vshard.Router, *tntotel.RouterHook) {
	t.Helper()
	cluster := vshardtest.Run(t, vshardtest.Options{})
	hook, err := w.hook.Router("main")
	if err != nil {
		t.Fatal(err)
	}
	config := vshard.Config{Buckets: 100, Hooks: hook.Hooks()}
	for _, set := range cluster.Sets() {
		rs := vshard.ReplicaSet{UUID: set.UUID}
		for _, i := range set.Instances {
			rs.Instances = append(rs.Instances, pool.Instance{Name: i.UUID, Options: tnt.Options{Address: i.Server.Addr(), Hooks: []tnt.Hook{w.hook}}})
		}
		config.ReplicaSets = append(config.ReplicaSets, rs)
	}
	router, err := vshard.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Close() })
	hook.Observe(router)
	return cluster, router, hook
}

func TestRouter(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	cluster, router, hook := w.newRouter(t)
	cluster.Handle("echo", func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil })
	cluster.Handle("fail", func(*vshardtest.Call) ([]any, error) {
		return nil, &types.Error{Type: "ClientError", Code: errcode.IllegalParams, Message: "of a secret"}
	})
	w.took() // those of the router itself, which looks for buckets
	cluster.Move(1, 1)
	there := cluster.Sets()[1].UUID
	if _, err := router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
		t.Fatal(err)
	}
	const request = "CALL vshard.storage.call db.operation.name=CALL db.stored_procedure.name=vshard.storage.call db.response.returned_rows="
	w.expect(t, request+"2", request+"1", // refused, and done
		"callrw echo tnt.vshard.router=main db.operation.name=callrw db.stored_procedure.name=echo tnt.vshard.bucket=1 tnt.vshard.replica_set="+there+" tnt.vshard.requests=2")

	if _, err := router.Do(t.Context(), vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "fail"}); !errors.Is(err, errcode.IllegalParams) {
		t.Errorf("a function that fails: %v", err)
	}
	w.expect(t, request+"2",
		"callro fail tnt.vshard.router=main db.operation.name=callro db.stored_procedure.name=fail tnt.vshard.bucket=1"+
			" db.response.status_code=ER_ILLEGAL_PARAMS error.type=ER_ILLEGAL_PARAMS tnt.vshard.replica_set="+there+` tnt.vshard.requests=1 Error ""`)

	const duration = "tnt.vshard.call.duration db.operation.name=callr"
	w.has(t, map[string]float64{
		duration + "w db.stored_procedure.name=echo tnt.vshard.router=main":                                                                        1,
		duration + "o db.response.status_code=ER_ILLEGAL_PARAMS db.stored_procedure.name=fail error.type=ER_ILLEGAL_PARAMS tnt.vshard.router=main": 1,
		"tnt.vshard.requests tnt.vshard.router=main":                                                                                               3,
		"tnt.vshard.retries tnt.vshard.router=main":                                                                                                1,
		"tnt.vshard.unknown_buckets tnt.vshard.router=main":                                                                                        0,
		"tnt.vshard.buckets tnt.vshard.replica_set=" + there + " tnt.vshard.router=main":                                                           51,
		"tnt.vshard.instances tnt.pool.role=master tnt.vshard.replica_set=" + there + " tnt.vshard.router=main":                                    1,
		"tnt.vshard.instances tnt.pool.role=superseded tnt.vshard.replica_set=" + there + " tnt.vshard.router=main":                                0,
		"tnt.vshard.discoveries tnt.vshard.result=OK tnt.vshard.router=main":                                                                       1,
	})
	if err := hook.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.collect(t)["tnt.vshard.requests tnt.vshard.router=main"]; ok {
		t.Error("observed after Close")
	}
}

// TestRouterSpans has the spans of requests be inside of that of the call, and this
// tell why there were two.
func TestRouterSpans(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	cluster, router, _ := w.newRouter(t)
	cluster.Handle("echo", func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil })
	w.took() // those of the router itself
	cluster.Move(1, 1)
	if _, err := router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
		t.Fatal(err)
	}
	spans := w.spans.Ended()
	call := spans[len(spans)-1]
	for _, s := range spans[:len(spans)-1] {
		if s.Parent().SpanID() != call.SpanContext().SpanID() {
			t.Errorf("the parent of %s is not %s", s.Name(), call.Name())
		}
	}
	if events := call.Events(); len(events) != 1 || events[0].Name != "again" || !strings.Contains(fmt.Sprint(events[0].Attributes), "WRONG_BUCKET") {
		t.Errorf("events of the call: %+v", events)
	}
}

// TestRouterMap has a Map be a span, with those of all its requests inside, and be
// measured as a call is.
func TestRouterMap(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	cluster, router, _ := w.newRouter(t)
	cluster.Handle("echo", func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil })
	cluster.Handle("fail", func(*vshardtest.Call) ([]any, error) {
		return nil, &types.Error{Type: "ClientError", Code: errcode.IllegalParams, Message: "of a secret"}
	})
	const described = " tnt.vshard.router=main db.operation.name=map_callrw db.stored_procedure.name="
	for _, c := range []struct {
		function, want string
		failed         bool
		requests       int // one that holds buckets and one that calls, of each replica set; and what lets go
	}{
		{"echo", "map_callrw echo" + described + "echo tnt.vshard.replica_sets=2 tnt.vshard.attempts=1", false, 4},
		{"fail", "map_callrw fail" + described + "fail db.response.status_code=ER_ILLEGAL_PARAMS error.type=ER_ILLEGAL_PARAMS" +
			` tnt.vshard.replica_sets=2 tnt.vshard.attempts=1 Error ""`, true, 6},
	} {
		before := len(w.spans.Ended())
		if _, err := vshard.Map[any](t.Context(), router, c.function, []any{"secret"}, vshard.MapOptions{}); (err != nil) != c.failed {
			t.Fatal(err)
		}
		spans := w.spans.Ended()[before:]
		whole := spans[len(spans)-1]
		for _, s := range spans[:len(spans)-1] {
			if s.Parent().SpanID() != whole.SpanContext().SpanID() {
				t.Errorf("the parent of %s is not %s", s.Name(), whole.Name())
			}
		}
		if len(spans) != c.requests+1 {
			t.Errorf("%s: %d spans of requests, want %d", c.function, len(spans)-1, c.requests)
		}
		if got := w.took(); got[len(got)-1] != c.want {
			t.Errorf("got  %s\nwant %s", got[len(got)-1], c.want)
		}
	}
	const duration = "tnt.vshard.call.duration db.operation.name=map_callrw"
	w.has(t, map[string]float64{
		duration + " db.stored_procedure.name=echo tnt.vshard.router=main":                                                                        1,
		duration + " db.response.status_code=ER_ILLEGAL_PARAMS db.stored_procedure.name=fail error.type=ER_ILLEGAL_PARAMS tnt.vshard.router=main": 1,
		"tnt.vshard.requests tnt.vshard.router=main":                                                                                              0,
	})
}

// TestManyFunctions has a program that makes up names not make up series.
func TestManyFunctions(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	_, router, _ := w.newRouter(t)
	for i := range 1100 {
		_, _ = router.Do(t.Context(), vshard.Call{Bucket: 1, Function: fmt.Sprint("f", i)})
	}
	bare, named := 0.0, 0
	for line, n := range w.collect(t) {
		if strings.HasPrefix(line, "tnt.vshard.call.duration ") {
			if strings.Contains(line, "db.stored_procedure.name") {
				named++
			} else {
				bare += n
			}
		}
	}
	if named > 1000 || bare != 100 {
		t.Errorf("%d series with a name, %v calls without one", named, bare)
	}
}
