package queuetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// The states of tasks.
const (
	ready   = "r"
	taken   = "t"
	done    = "-"
	buried  = "!"
	delayed = "~"
)

type tube struct {
	queue    *Queue
	name     string
	kind     string
	capacity int

	tasks   []*task // by number
	calls   map[string]int
	changed chan struct{} // closed when a task may be ready
}

type task struct {
	id, pri  int
	state    string
	owner    string // of a taken one: the session
	data     any
	sub      string
	ttr      time.Duration
	ready    time.Time // of a delayed one
	deadline time.Time // of a taken one; zero: none
	dies     time.Time // zero: never
}

func (k *task) entry(state string) []any { return []any{[]any{k.id, state, k.data}} }

func raised(text string) error {
	return &types.Error{Type: "LuajitError", Code: errcode.ProcLua, Message: "/queue/" + text, File: "./src/lua/utils.c"}
}

func formatUUID(b string) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", reversed(b[:4]), reversed(b[4:6]), reversed(b[6:8]), b[8:10], b[10:])
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func (t *tube) timed() bool { return strings.HasSuffix(t.kind, "ttl") }

func (t *tube) notify() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// settle moves on what is due.
func (t *tube) settle() {
	t.queue.expire()
	now := t.queue.clock.Now()
	t.tasks = slices.DeleteFunc(t.tasks, func(k *task) bool {
		return !k.dies.IsZero() && !now.Before(k.dies) && (k.state == ready || k.state == delayed)
	})
	for _, k := range t.tasks {
		if k.state == delayed && !now.Before(k.ready) {
			k.state = ready
		}
		if k.state == taken && !k.deadline.IsZero() && !now.Before(k.deadline) {
			k.state, k.owner = ready, ""
		}
	}
}

// releaseOf makes the tasks of a session ready.
func (t *tube) releaseOf(uuid string) {
	for _, k := range t.tasks {
		if k.state == taken && k.owner == uuid {
			k.state, k.owner = ready, ""
		}
	}
}

// later has those that wait look again.
func (t *tube) later(d time.Duration) { t.queue.clock.AfterFunc(d, t.queue.wake) }

// free reports whether a task's sub-queue has none that is taken, or is before it.
func (t *tube) free(k *task) bool {
	if !strings.HasPrefix(t.kind, "utube") {
		return true
	}
	for _, other := range t.tasks {
		if other.sub == k.sub && other.state == taken {
			return false
		}
	}
	return true
}

// first takes the task whose turn it is, nil for none.
func (t *tube) first(owner string) *task {
	t.settle()
	var best *task
	for _, k := range t.tasks {
		if k.state == ready && (best == nil || k.pri < best.pri) && t.free(k) {
			best = k
		}
	}
	if best == nil {
		return nil
	}
	best.state, best.owner = taken, owner
	if t.timed() && best.ttr > 0 {
		best.deadline = t.queue.clock.Now().Add(best.ttr)
		t.later(best.ttr)
	}
	t.calls["take"]++
	return best
}

func (t *tube) find(id int) (*task, error) {
	t.settle()
	for _, k := range t.tasks {
		if k.id == id {
			return k, nil
		}
	}
	return nil, raised(fmt.Sprintf("abstract.lua:237: Task %d not found", id))
}

// own finds a task that the caller's session has taken.
func (t *tube) own(c *tnttest.Call, id int) (*task, error) {
	k, err := t.find(id)
	if err != nil || k.state != taken || k.owner != t.queue.session(c).uuid {
		return nil, raised("abstract.lua:83: Task was not taken")
	}
	return k, nil
}

func (t *tube) remove(k *task) {
	t.tasks = slices.DeleteFunc(t.tasks, func(other *task) bool { return other == k })
}

func (t *tube) statistics() map[string]any {
	t.settle()
	counts := map[string]int{ready: 0, taken: 0, buried: 0, delayed: 0}
	for _, k := range t.tasks {
		counts[k.state]++
	}
	return map[string]any{
		"tasks": map[string]any{
			"ready": counts[ready], "taken": counts[taken], "buried": counts[buried], "delayed": counts[delayed],
			"done": t.calls["ack"] + t.calls["delete"], "total": len(t.tasks),
		},
		"calls": map[string]any{
			"put": t.calls["put"], "take": t.calls["take"], "ack": t.calls["ack"], "release": t.calls["release"], "bury": t.calls["bury"],
			"kick": t.calls["kick"], "delete": t.calls["delete"], "touch": t.calls["touch"], "ttl": 0, "ttr": 0, "delay": 0,
		},
	}
}
