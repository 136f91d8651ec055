package queuetest

import (
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// method serves a call with the queue's lock held.
type method func(c *tnttest.Call, args []any) ([]any, error)

func (t *tube) handlers() map[string]tnttest.Handler {
	handlers := map[string]tnttest.Handler{"take": t.take}
	for name, m := range map[string]method{
		"put": t.put, "ack": t.ack, "release": t.release, "bury": t.bury, "kick": t.kick, "peek": t.peek,
		"delete": t.delete, "touch": t.touch, "truncate": t.truncate, "release_all": t.releaseAll, "drop": t.drop,
	} {
		silent := name == "touch" || name == "truncate" || name == "release_all"
		handlers[name] = func(c *tnttest.Call) ([]any, error) {
			args, err := c.Args()
			if err != nil {
				return nil, err
			}
			t.queue.mu.Lock()
			defer t.queue.mu.Unlock()
			if t.queue.state == "RUNNING" {
				return m(c, args)
			}
			if silent {
				return nil, nil
			}
			return []any{nil}, nil
		}
	}
	return handlers
}

// number is the first argument, that of a task or a count; -1 where there is
// none.
func number(args []any) int {
	if len(args) == 0 {
		return -1
	}
	n, _ := args[0].(int64)
	return int(n)
}

func seconds(v any) time.Duration {
	switch n := v.(type) {
	case int64:
		return time.Duration(n) * time.Second
	case float64:
		return time.Duration(n * float64(time.Second))
	}
	return 0
}

func options(args []any, i int) map[string]any {
	if i >= len(args) {
		return nil
	}
	m, _ := args[i].(map[string]any)
	return m
}

// refuse returns the error of options that the module stumbles over.
func (t *tube) refuse(args []any, opts map[string]any) error {
	if t.kind != "fifo" && len(args) > 1 && opts == nil {
		return raised("abstract/driver/" + t.kind + ".lua:245: 'void *' has no member named 'ttl'")
	}
	if !t.timed() {
		return nil
	}
	if pri, _ := opts["pri"].(int64); pri < 0 {
		return &types.Error{
			Type: "ClientError", Code: errcode.FieldType,
			Message: "Tuple field 6 (pri) type does not match one required by operation: expected unsigned, got integer",
		}
	}
	if _, text := opts["ttl"].(string); text {
		return raised("util.lua:28: attempt to compare string with number")
	}
	return nil
}

// nextID is the number after the largest there is, as the module counts.
func (t *tube) nextID() int {
	if len(t.tasks) == 0 {
		return 0
	}
	return t.tasks[len(t.tasks)-1].id + 1
}

func (t *tube) put(_ *tnttest.Call, args []any) ([]any, error) {
	if len(args) == 0 {
		return nil, &types.Error{Type: "ClientError", Code: errcode.FieldMissing, Message: "Tuple field (data) required by space format is missing"}
	}
	t.settle()
	if t.capacity > 0 && len(t.tasks) >= t.capacity {
		return []any{nil}, nil // without the wait
	}
	opts := options(args, 1)
	if err := t.refuse(args, opts); err != nil {
		return nil, err
	}
	k := &task{id: t.nextID(), state: ready, data: args[0]}
	k.sub, _ = opts["utube"].(string)
	if t.timed() {
		now := t.queue.clock.Now()
		pri, _ := opts["pri"].(int64)
		k.pri, k.ttr = int(pri), seconds(opts["ttr"])
		ttl := seconds(opts["ttl"])
		if k.ttr == 0 {
			k.ttr = ttl
		}
		delay := max(0, seconds(opts["delay"]))
		if delay > 0 {
			k.state, k.ready = delayed, now.Add(delay)
			t.later(delay)
		}
		if ttl > 0 {
			k.dies = now.Add(ttl + delay)
		}
	}
	t.tasks = append(t.tasks, k)
	t.calls["put"]++
	t.notify()
	return k.entry(k.state), nil
}

// take waits, so it holds the lock by turns.
func (t *tube) take(c *tnttest.Call) ([]any, error) {
	args, err := c.Args()
	if err != nil {
		return nil, err
	}
	wait := time.Duration(1<<63 - 1)
	if len(args) > 0 && args[0] != nil {
		wait = seconds(args[0])
		if _, text := args[0].(string); text {
			return nil, raised("util.lua:16: attempt to compare string with number")
		}
	}
	over := make(chan struct{})
	if wait > 0 {
		defer t.queue.clock.AfterFunc(wait, func() { close(over) })()
	} else {
		close(over)
	}
	for last := false; ; {
		t.queue.mu.Lock()
		if t.queue.state != "RUNNING" {
			t.queue.mu.Unlock()
			return []any{nil}, nil
		}
		k := t.first(t.queue.session(c).uuid)
		changed := t.changed
		t.queue.mu.Unlock()
		switch {
		case k != nil:
			return k.entry(taken), nil
		case last:
			return nil, nil
		}
		select {
		case <-changed:
		case <-over:
			last = true
		case <-c.Context().Done():
			return []any{nil}, nil
		}
	}
}

func (t *tube) ack(c *tnttest.Call, args []any) ([]any, error) {
	k, err := t.own(c, number(args))
	if err != nil {
		return nil, err
	}
	t.remove(k)
	t.calls["ack"]++
	t.notify()
	return k.entry(done), nil
}

func (t *tube) release(c *tnttest.Call, args []any) ([]any, error) {
	k, err := t.own(c, number(args))
	if err != nil {
		return nil, err
	}
	k.state, k.owner = ready, ""
	if delay := seconds(options(args, 1)["delay"]); delay > 0 && t.timed() {
		k.state, k.ready = delayed, t.queue.clock.Now().Add(delay)
		t.later(delay)
	}
	t.calls["release"]++
	t.notify()
	return k.entry(k.state), nil
}

func (t *tube) bury(_ *tnttest.Call, args []any) ([]any, error) {
	k, err := t.find(number(args))
	if err != nil {
		return nil, err
	}
	if k.state != buried {
		k.state, k.owner = buried, ""
		t.calls["bury"]++
		t.notify()
	}
	return k.entry(buried), nil
}

func (t *tube) kick(_ *tnttest.Call, args []any) ([]any, error) {
	count := 1
	if n := number(args); n >= 0 {
		count = n
	}
	t.settle()
	kicked := 0
	for _, k := range t.tasks {
		if k.state == buried && kicked < count {
			k.state = ready
			kicked++
		}
	}
	t.calls["kick"] += kicked
	t.notify()
	return []any{kicked}, nil
}

func (t *tube) peek(_ *tnttest.Call, args []any) ([]any, error) {
	if len(args) == 0 {
		return nil, &types.Error{Type: "ClientError", Code: errcode.ExactMatch, Message: "Invalid key part count in an exact match (expected 1, got 0)"}
	}
	k, err := t.find(number(args))
	if err != nil {
		return nil, err
	}
	return k.entry(k.state), nil
}

func (t *tube) delete(_ *tnttest.Call, args []any) ([]any, error) {
	k, err := t.find(number(args))
	if err != nil {
		return nil, err
	}
	t.remove(k)
	t.calls["delete"]++
	t.notify()
	return k.entry(done), nil
}

func (t *tube) touch(c *tnttest.Call, args []any) ([]any, error) {
	if len(args) < 2 || seconds(args[1]) <= 0 {
		return nil, nil
	}
	k, err := t.own(c, number(args))
	if err != nil {
		return nil, err
	}
	t.calls["touch"]++
	if !t.timed() {
		return nil, raised("abstract/driver/" + t.kind + ".lua:137: " + t.kind + " queue does not support touch")
	}
	more := seconds(args[1])
	if !k.deadline.IsZero() {
		k.deadline = k.deadline.Add(more)
		t.later(k.deadline.Sub(t.queue.clock.Now()))
	}
	if !k.dies.IsZero() {
		k.dies = k.dies.Add(more)
	}
	return k.entry(taken), nil
}

func (t *tube) truncate(*tnttest.Call, []any) ([]any, error) {
	t.tasks = nil
	return nil, nil
}

func (t *tube) releaseAll(*tnttest.Call, []any) ([]any, error) {
	t.settle()
	for _, k := range t.tasks {
		if k.state == taken {
			k.state, k.owner = ready, ""
		}
	}
	t.notify()
	return nil, nil
}

func (t *tube) drop(*tnttest.Call, []any) ([]any, error) {
	t.settle()
	for _, k := range t.tasks {
		if k.state == taken {
			return nil, raised("abstract.lua:295: There are taken tasks in the tube")
		}
	}
	delete(t.queue.tubes, t.name)
	for name := range t.handlers() {
		t.queue.srv.Handle("queue.tube."+t.name+":"+name, nil)
	}
	return []any{true}, nil
}
