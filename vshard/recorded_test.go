package vshard

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/pool"
)

// fixed is the connections of one instance that is the master.
type fixed struct {
	conn   *tnt.Conn
	master string

	mu    sync.Mutex // several sets share the pool
	rests error
}

func (f *fixed) pick(Mode, []string) (member, error) { return member{name: "s", Executor: f.conn}, nil }

func (f *fixed) setMaster(id string) bool { f.master = id; return true }
func (f *fixed) rest(_ string, _ time.Duration, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rests = why
}

func (f *fixed) refresh(context.Context) {}
func (f *fixed) await(context.Context)   {}
func (f *fixed) info() []InstanceInfo    { return nil }
func (f *fixed) close(context.Context)   {}
func (f *fixed) router(t *testing.T, sets ...ReplicaSet) *Router {
	t.Helper()
	config, err := Config{Buckets: 100, ReplicaSets: sets, connect: func(ReplicaSet, pool.Options) (connections, error) { return f, nil }}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	table, _, err := newTable(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &Router{ctx: t.Context()}
	r.current.Store(table)
	return r
}

// foreign are functions that a router in Go does not call: those of the router
// in Lua and those of administrators. Their hashes are held elsewhere.
var foreign = []string{
	"vshard.router.", "crud.", "vshard.storage.buckets_count", "vshard.storage.buckets_info", "vshard.storage.sync",
	"vshard.storage.bucket_pin", "vshard.storage.bucket_unpin", "vshard.storage.bucket_send",
}

// Every recorded answer is decoded by what is for it, or gives the error that
// came.
func TestRecorded(t *testing.T) {
	for file, want := range map[string][2]int{"vshard-3.8": {246, 127}, "vshard-2.6": {210, 112}, "vshard-names-3.8": {22, 9}} {
		t.Run(file, func(t *testing.T) {
			lines := recordedtest.Load(t, "testdata/"+file+".jsonl", want[0])
			player := recordedtest.Play(t, lines)
			conn, err := tnt.Connect(t.Context(), player.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			decoded, passed := 0, 0
			for _, l := range lines {
				player.Next(l)
				fixture := &fixed{conn: conn}
				ours, wrong := replayLine(t, fixture, l)
				switch {
				case wrong != "":
					t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
				case ours:
					decoded++
				default:
					passed++
				}
			}
			if decoded != want[1] || decoded+passed != want[0] {
				t.Errorf("%d lines were decoded and %d of %d are others'", decoded, passed, want[0])
			}
		})
	}
}

func replayLine(t *testing.T, f *fixed, l recordedtest.Line) (ours bool, wrong string) {
	t.Helper()
	if l.Function == "" {
		return false, ""
	}
	for _, prefix := range foreign {
		if strings.HasPrefix(l.Function, prefix) {
			return false, ""
		}
	}
	r := f.router(t, ReplicaSet{Name: "rs1", UUID: "cbf06940-0790-498b-948d-042b62cf3d29", Instances: []pool.Instance{{Name: "s"}}},
		ReplicaSet{Name: "rs2", UUID: "ac522f65-aa94-4134-9f64-51ee384f1a54", Instances: []pool.Instance{{Name: "s"}}})
	switch l.Function {
	case "vshard.storage.call":
		return true, replayCall(t, r, f, l)
	case "vshard.storage.bucket_stat":
		return true, replayStat(t, r, f, l)
	case "vshard.storage.buckets_discovery":
		return true, replayDiscovery(t, r, f, l)
	case "vshard.storage._call":
		return true, replayRef(t, r, f, l)
	}
	return true, "nothing decodes " + l.Function
}

func replayCall(t *testing.T, r *Router, f *fixed, l recordedtest.Line) string {
	t.Helper()
	a := attempts{router: r, call: Call{Bucket: 51, Function: "f"}, pause: firstPause}
	set := r.table().sets[0]
	if strings.HasPrefix(l.Conn, "s2") {
		set = r.table().sets[1]
	}
	r.table().assign(51, set)
	got, then, err := a.once(t.Context())
	values, raised := l.Values()
	var own *tnt.Error
	var function *FunctionError
	var sharding *Error
	switch {
	case raised != nil:
		if !errors.As(err, &own) || own.Message != raised.Message {
			return fmt.Sprintf("got %v, want %v", err, raised)
		}
		unready := raised.Code == 42 || strings.Contains(raised.Message, "STORAGE_IS_DISABLED")
		if unready != (then == later) || unready != (f.rests != nil) {
			return fmt.Sprintf("then %d of %v, the instance rests: %v", then, err, f.rests)
		}
	case values[0] == true:
		if data, bad := got.Data(); err != nil || bad != nil || !reflect.DeepEqual(data, values) {
			return fmt.Sprintf("got %v, %v, want %v", got, err, values)
		}
	case values[0] == false:
		m := values[1].(map[string]any)
		if !errors.As(err, &function) || then != giveUp || function.Err.Message != m["message"] || tnt.SafeToRetry(err) {
			return fmt.Sprintf("got %v, then %d, want %v", err, then, m)
		}
	default:
		m := values[1].(map[string]any)
		if !errors.As(err, &sharding) || sharding.Name != m["name"] || sharding.Message != m["message"] || int64(sharding.Code) != m["code"] {
			return fmt.Sprintf("got %v, want %v", err, m)
		}
		return holdNext(r, f, set, m, then)
	}
	return ""
}

// holdNext holds what follows an error of vshard's against the table.
func holdNext(r *Router, f *fixed, set *set, m map[string]any, then next) string {
	now := r.table().lookup(51)
	destination, _ := m["destination"].(string)
	switch m["name"] {
	case "WRONG_BUCKET", "TRANSFER_IS_IN_PROGRESS":
		if destination == "" && (now != nil || then != atOnce) {
			return fmt.Sprintf("then %d, the bucket is at %v", then, now)
		}
		if destination != "" && (now == set || now == nil || then != atOnce) {
			return fmt.Sprintf("then %d, the bucket is at %v, not %s", then, now, destination)
		}
	case "BUCKET_IS_LOCKED":
		if then != later || now != set {
			return fmt.Sprintf("then %d, the bucket is at %v", then, now)
		}
	case "NON_MASTER":
		if then != atOnce || f.master != m["master"] {
			return fmt.Sprintf("then %d, the master is %q", then, f.master)
		}
	default:
		return fmt.Sprintf("nobody knows %v", m["name"])
	}
	return ""
}

func replayStat(t *testing.T, r *Router, f *fixed, l recordedtest.Line) string {
	t.Helper()
	set, asked := r.table().find(t.Context(), 51)
	values, raised := l.Values()
	if raised != nil {
		if set != nil || (f.rests != nil) == strings.Contains(raised.Message, "Usage") {
			return fmt.Sprintf("got %v, the instance rests: %v", set, f.rests)
		}
		return ""
	}
	status, destination := "", ""
	if m, ok := values[0].(map[any]any); ok {
		status, _ = m["status"].(string)
		destination, _ = m["destination"].(string)
	}
	switch status {
	case "active", "pinned", "readonly", "sending":
		if set == nil || asked != 2 {
			return fmt.Sprintf("a bucket that is %s was not found", status)
		}
	case "sent", "garbage":
		if set == nil || set.UUID != destination {
			return fmt.Sprintf("a bucket that went to %s is at %v", destination, set)
		}
	case "", "receiving":
		if set != nil {
			return "a bucket that is not there was found"
		}
	default:
		return "nobody knows " + status
	}
	return ""
}

func replayDiscovery(t *testing.T, r *Router, f *fixed, l recordedtest.Line) string {
	t.Helper()
	table := r.table()
	err := table.discoverFrom(t.Context(), table.sets[0], member{Executor: f.conn})
	values, raised := l.Values()
	if raised != nil {
		if !isUnready(err) {
			return fmt.Sprintf("got %v, want %v", err, raised)
		}
		return ""
	}
	m, ok := values[0].(map[string]any)
	if !ok {
		return "" // the old form, a plain list: it is not asked for
	}
	if known, _ := table.counts(); err != nil || known[0] != len(m["buckets"].([]any)) {
		return fmt.Sprintf("got %d buckets, %v", known[0], err)
	}
	return ""
}

func replayRef(t *testing.T, r *Router, f *fixed, l recordedtest.Line) string {
	t.Helper()
	session, err := tnt.Pin(t.Context(), f.conn)
	if err != nil {
		t.Fatal(err)
	}
	p := &part{set: r.table().sets[0], session: session}
	_, got, err := p.do(t.Context(), "x")
	values, raised := l.Values()
	var sharding *Error
	var function *FunctionError
	switch {
	case raised != nil:
		if err == nil || f.rests != nil {
			return fmt.Sprintf("got %v, want %v", err, raised)
		}
	case values[0] == nil:
		m := values[1].(map[string]any)
		if m["type"] == "ShardingError" {
			if !errors.As(err, &sharding) || sharding.Name != m["name"] || sharding.Reason != m["reason"] {
				return fmt.Sprintf("got %v, want %v", err, m)
			}
			return ""
		}
		if !errors.As(err, &function) || function.Err.Message != m["message"] {
			return fmt.Sprintf("got %v, want %v", err, m)
		}
	default:
		if x, _ := got.Any(); err != nil || !reflect.DeepEqual(x, values[0]) {
			return fmt.Sprintf("got %v, %v, want %v", x, err, values)
		}
	}
	return ""
}
