package tnttest_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
)

// about are typed summaries of the keys that tell of instances: of an event, and of
// the value that people read in the recording.
var about = map[string]struct {
	got  func(tnt.Event) (string, error)
	want func(map[string]any) string
}{
	"box.id": {decoding(func(v struct {
		ID         uint32    `tnt:"id"`
		Instance   uuid.UUID `tnt:"instance_uuid"`
		ReplicaSet uuid.UUID `tnt:"replicaset_uuid"`
		Name       *string   `tnt:"instance_name"`
	},
	) string {
		return fmt.Sprint(v.ID, " ", v.Instance, " ", v.ReplicaSet, " ", v.Name == nil)
	}), func(m map[string]any) string {
		id := func(key string) any { return m[key].(map[string]any)["$uuid"] }
		return fmt.Sprint(m["id"], " ", id("instance_uuid"), " ", id("replicaset_uuid"), " ", m["instance_name"] == nil)
	}},
	"box.status": {decoding(func(v struct {
		IsRO       bool   `tnt:"is_ro"`
		Configured bool   `tnt:"is_ro_cfg"`
		Status     string `tnt:"status"`
		Version    string `tnt:"dd_version"`
	},
	) string {
		return fmt.Sprint(v.IsRO, " ", v.Configured, " ", v.Status, " ", v.Version)
	}), func(m map[string]any) string {
		return fmt.Sprint(m["is_ro"], " ", m["is_ro_cfg"], " ", m["status"], " ", m["dd_version"])
	}},
	"box.election": {decoding(func(v struct {
		Term   uint64 `tnt:"term"`
		Role   string `tnt:"role"`
		IsRO   bool   `tnt:"is_ro"`
		Leader uint32 `tnt:"leader"`
	},
	) string {
		return fmt.Sprint(v.Term, " ", v.Role, " ", v.IsRO, " ", v.Leader)
	}), func(m map[string]any) string {
		return fmt.Sprint(m["term"], " ", m["role"], " ", m["is_ro"], " ", m["leader"])
	}},
	"box.schema": {decoding(func(v struct {
		Version uint64 `tnt:"version"`
	},
	) string {
		return fmt.Sprint(v.Version)
	}), func(m map[string]any) string { return fmt.Sprint(m["version"]) }},
}

func decoding[T any](summary func(T) string) func(tnt.Event) (string, error) {
	return func(e tnt.Event) (string, error) {
		var v T
		err := e.Decode(&v)
		return summary(v), err
	}
}

// Every recorded event comes to a watcher, and is decoded by Event.Decode into the
// types that a program has for it, or by Event.Value.
func TestRecordedEventsDecode(t *testing.T) {
	var c recordedtest.Coverage
	lines := recordedtest.Load(t, "testdata/cluster/events-3.8.jsonl", 46)
	srv := tnttest.Run(t)
	for _, l := range lines {
		key, value, err := l.Event()
		must(t, err)
		if len(value) == 0 {
			value = tnttest.Raw{0xc0}
		}
		e := published(t, srv, key, value)
		got, err := e.Value()
		if err != nil || (got == nil) != (l.Value == nil) || key != e.Key {
			t.Errorf("line %d: %s is %v, %v, want %v", l.N, key, got, err, l.Value)
			continue
		}
		m, _ := l.Value.(map[string]any)
		kind, typed := about[key]
		if !typed || len(m) == 0 {
			c.Decoded("Event.Value")
			continue
		}
		if got, err := kind.got(e); err != nil || got != kind.want(m) {
			t.Errorf("line %d: %s is %s, %v, want %s", l.N, key, got, err, kind.want(m))
			continue
		}
		c.Decoded("Event.Decode")
	}
	c.Check(t, len(lines), map[string]int{"Event.Decode": 21, "Event.Value": 25}, nil)
}

// published is the event that a watcher of a key is told of when it gets a value.
func published(t *testing.T, srv *tnttest.Server, key string, value tnttest.Raw) tnt.Event {
	t.Helper()
	conn, err := tnt.Connect(t.Context(), srv.Addr()) // one that the last event has not ended
	must(t, err)
	defer conn.Close()
	events := make(chan tnt.Event, 3) // the value of before, and this one
	w, err := conn.WatchFunc(key, func(e tnt.Event) { events <- e })
	must(t, err)
	defer w.Unregister()
	<-events
	must(t, srv.Broadcast(key, value))
	e := <-events
	if key == "box.shutdown" {
		// The connection watches it as well, so that the value of before may come twice.
		if v, err := e.Value(); v == nil && err == nil && value[0] != 0xc0 {
			e = <-events
		}
		must(t, srv.Broadcast(key, nil)) // or no other connection would stay
	}
	return e
}
