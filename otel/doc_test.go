package tntotel_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/vshard"
)

// TestNamesAreDocumented has the guide name every metric, and every attribute of
// a span or a metric, that comes of what a connection may do.
func TestNamesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, tntotel.Options{})
	w.srv.Handle("push", func(c *tnttest.Call) ([]any, error) { return nil, c.Push("nobody takes it") })
	ctx := t.Context()
	_, _ = w.conn.Call(ctx, "push")
	_, _ = w.conn.Select(ctx, "users", tnt.Key{})
	_, _ = w.conn.Execute(ctx, "SELECT 1")
	w.conn.Batch(ctx, tnt.Ping{}, tnt.Ping{})
	_, _ = tnt.ConnectOptions(ctx, tnt.Options{Address: w.srv.Addr(), User: "nobody", ConnectOnce: true, Hooks: []tnt.Hook{w.hook}})
	_, p := newPool(t)
	stop, err := w.hook.ObservePool("main", p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	cluster, router, hook := w.newRouter(t)
	hook.Hooks().Configured(nil)
	cluster.Move(1, 1)
	_, _ = router.Do(ctx, vshard.Call{Bucket: 1, Function: "nowhere"})

	names := map[string]bool{}
	for _, s := range w.spans.Ended() {
		for _, a := range s.Attributes() {
			names[string(a.Key)] = true
		}
		for _, e := range s.Events() {
			for _, a := range e.Attributes {
				names[string(a.Key)] = true
			}
		}
	}
	for line := range w.collect(t) {
		for i, word := range strings.Fields(line) {
			if name, _, ok := strings.Cut(word, "="); ok || i == 0 {
				names[name] = true
			}
		}
	}
	if len(names) < 45 {
		t.Errorf("only %d names were seen: %v", len(names), names)
	}
	for name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/telemetry.md does not name %s", name)
		}
	}
	_ = w.conn.Disconnect(context.Background())
}
