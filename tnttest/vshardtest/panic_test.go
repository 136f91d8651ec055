package vshardtest_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
)

// TestFunctionsThatPanic has a function of a program's test end badly, by a call and by
// a Map: that is an error, and the cluster goes on.
func TestFunctionsThatPanic(t *testing.T) {
	cluster := vshardtest.Run(t, vshardtest.Options{ReplicaSets: 1, Instances: 1, Server: []tnttest.Option{tnttest.InMemory()}})
	cluster.Handle("panics", func(*vshardtest.Call) ([]any, error) { panic("oh") })
	cluster.Handle("ends", func(*vshardtest.Call) ([]any, error) { runtime.Goexit(); return nil, nil })
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: cluster.Sets()[0].Instances[0].Server.DialContext})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	call := func(function string, args ...any) error {
		return tnt.Exec(t.Context(), conn, tnt.Call{Function: "vshard.storage." + function, Args: args})
	}
	for id, function := range []string{"panics", "ends"} {
		if err := call("_call", "storage_ref", id, 10); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"call": call("call", 1, "write", function, []any{}),
			"map":  call("_call", "storage_map", id, function, []any{}),
		} {
			if err == nil || !strings.Contains(err.Error(), "the handler of vshard.storage.") {
				t.Errorf("%s of one that %s: %v", name, function, err)
			}
		}
	}
}
