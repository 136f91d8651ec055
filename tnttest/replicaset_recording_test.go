package tnttest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/tnttest"
)

// recordedEvent is a line of testdata/cluster/events-3.8.jsonl: what a client
// of one of three real instances heard.
type recordedEvent struct {
	Case  string `json:"case"`
	Conn  string `json:"conn"`
	Key   string `json:"key"`
	Value any    `json:"value"`
}

func readEvents(t *testing.T) []recordedEvent {
	t.Helper()
	f, err := os.Open("testdata/cluster/events-3.8.jsonl")
	must(t, err)
	defer func() { _ = f.Close() }()
	var all []recordedEvent
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e recordedEvent
		must(t, json.Unmarshal(lines.Bytes(), &e))
		all = append(all, e)
	}
	must(t, lines.Err())
	return all
}

// The members publish what three real instances did at the same steps, in the
// same order: at their start, and when the leader is ended by SIGTERM and its
// clients stay.
func TestEventsAsRecorded(t *testing.T) {
	const start, end = "the first values", "SIGTERM of the leader r1"
	recorded := readEvents(t)
	// The real r2 has the id 3 and r3 the id 2.
	recordedIDs := map[string]string{"1": "first", "3": "second", "2": "third", "0": "nobody"}
	ids := map[string]string{"1": "first", "2": "second", "3": "third", "0": "nobody"}
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		var members []*observer
		var last []lastValues
		for i := range rs.Len() {
			last = append(last, lastValues{map[string]string{}, map[string]string{}})
			var keys []string
			for _, e := range recorded {
				if e.Case == start && e.Conn == conns[i] && !slices.Contains(keys, e.Key) {
					keys = append(keys, e.Key)
				}
			}
			if len(keys) != 11 {
				t.Fatalf("the recording has %d keys of %s", len(keys), conns[i])
			}
			members = append(members, observe(t, rs.Instance(i), keys...))
		}
		synctest.Wait()
		compareEvents(t, recorded, start, members, last, recordedIDs, ids)
		must(t, rs.Shutdown(context.Background(), 0))
		if leader, err := rs.WaitLeader(context.Background()); leader != 1 || err != nil {
			t.Fatalf("the leader is %d, %v", leader, err)
		}
		time.Sleep(time.Second)
		compareEvents(t, recorded, end, members, last, recordedIDs, ids)
	})
}

// lastValues are the last values of a member's keys, here and in the recording.
type lastValues struct{ embedded, real map[string]string }

// conns are the names of connections in the recording, by the member.
var conns = []string{"r1", "r2", "r3"}

func compareEvents(t *testing.T, recorded []recordedEvent, name string, members []*observer, last []lastValues, recordedIDs, ids map[string]string) {
	t.Helper()
	for i, o := range members {
		var want, got []string
		for _, e := range recorded {
			if e.Case == name && e.Conn == conns[i] {
				want = append(want, observed{e.Key, essential(e.Value, recordedIDs)}.String())
			}
		}
		for _, e := range o.take() {
			got = append(got, observed{e.key, essential(e.value, ids)}.String())
		}
		got, want = withoutRepeats(last[i].embedded, got), withoutRepeats(last[i].real, want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: member %d published\n  %s\nthe real one\n  %s", name, i, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

// essential takes out of a value what no two replica sets share: UUIDs, the
// version of the schema, vclocks, which count what the bootstrap did. Ids get
// the names of who has them.
func essential(v any, ids map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		if pairs, ok := v["$map"].([]any); ok {
			m := make(map[string]any)
			for _, p := range pairs {
				p := p.([]any)
				k, _ := json.Marshal(p[0])
				m[string(k)] = p[1]
			}
			return essential(m, ids)
		}
		if _, ok := v["$uuid"]; ok {
			return "a UUID"
		}
		m := maps.Clone(v)
		for k, x := range m {
			switch k {
			case "version":
				m[k] = "a number"
			case "2", "3":
				m[k] = "a vclock"
			case "leader", "id":
				text, _ := json.Marshal(x)
				m[k] = ids[string(text)]
			default:
				m[k] = essential(x, ids)
			}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = essential(x, ids)
		}
		return list
	case string:
		if len(v) == 36 && strings.Count(v, "-") == 4 {
			return "a UUID"
		}
	}
	return v
}

// withoutRepeats leaves out what repeats the last value of its key, which last
// has by the key: a real server publishes some values again when a peer comes
// or goes.
func withoutRepeats(last map[string]string, events []string) []string {
	var kept []string
	for _, e := range events {
		key, _, _ := strings.Cut(e, " ")
		if last[key] != e {
			kept = append(kept, e)
		}
		last[key] = e
	}
	return kept
}
