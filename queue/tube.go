package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/luacall"
)

// ID is the number of a task in its tube. The first is 0.
type ID uint64

// NoID is the number of no task.
const NoID ID = math.MaxUint64

// State is where a task is in its life.
type State byte

// The states of tasks.
const (
	Ready   State = 'r'
	Taken   State = 't'
	Done    State = '-' // and gone
	Buried  State = '!'
	Delayed State = '~'
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Ready:
		return "ready"
	case Taken:
		return "taken"
	case Done:
		return "done"
	case Buried:
		return "buried"
	case Delayed:
		return "delayed"
	}
	return fmt.Sprintf("state %q", byte(s))
}

// Entry is a task that nobody here holds, as it was when it was looked at.
type Entry[T any] struct {
	ID    ID
	State State
	Data  T
}

// Tube is a queue by its name. It is safe for concurrent use and may be
// copied.
type Tube struct {
	client *Client
	name   string
}

// Tube returns a tube. That there is such a tube is checked when it is used.
func (c *Client) Tube(name string) Tube { return Tube{client: c, name: name} }

// Name returns the name.
func (t Tube) Name() string { return t.name }

func (t Tube) method(name string) string { return "queue.tube." + t.name + ":" + name }

// PutOptions are those of Put. What is not set is not sent, and the tube's
// default holds. Which a tube heeds depends on its kind: fifo heeds none.
type PutOptions struct {
	Priority int           // lower comes first (the kinds with ttl)
	TTL      time.Duration // after which the task is dropped (the kinds with ttl)
	TTR      time.Duration // that a taker has (the kinds with ttl)
	Delay    time.Duration // before it can be taken (the kinds with ttl)
	SubQueue string        // of a utube: its tasks are done one by one
	Wait     time.Duration // for room (limfifottl); a RequestTimeout is added to it
}

func (p PutOptions) encode() map[string]any {
	o := make(map[string]any)
	for name, d := range map[string]time.Duration{"ttl": p.TTL, "ttr": p.TTR, "delay": p.Delay, "timeout": p.Wait} {
		if d > 0 {
			o[name] = luacall.Seconds(d)
		}
	}
	if p.Priority != 0 {
		o["pri"] = p.Priority
	}
	if p.SubQueue != "" {
		o["utube"] = p.SubQueue
	}
	return o
}

// Put adds a task, whose data may be of any type that MessagePack has a form
// for, nil too. Where it was not, the number is NoID. An error of a lost connection
// is one of unknown fate: the task may be there. A full tube is ErrFull.
func (t Tube) Put(ctx context.Context, data any, opts ...PutOptions) (ID, error) {
	if len(opts) > 1 {
		return NoID, fmt.Errorf("queue: %d options were given where one is taken", len(opts))
	}
	o := map[string]any{}
	if len(opts) == 1 {
		o = opts[0].encode()
	}
	put := request{text: t.method("put"), args: []any{data, o}}
	if len(opts) == 1 {
		put.wait = max(0, opts[0].Wait)
	}
	ctx, cancel := t.client.call(ctx, put.wait)
	defer cancel()
	e, err := t.entry(ctx, put)
	if errors.Is(err, ErrFull) && o["timeout"] == nil {
		// Both a full tube and a queue that does not run answer with nil. That
		// it runs was asked afterwards, and it may have begun to in between.
		e, err = t.entry(ctx, put)
	}
	if err != nil {
		return NoID, err
	}
	return e.id, nil
}

// entry does a request whose answer is a task.
func (t Tube) entry(ctx context.Context, r request) (entry, error) {
	results, err := t.client.do(ctx, r)
	if err != nil {
		return entry{}, err
	}
	if refused(results) { // and the queue runs
		return entry{}, ErrFull
	}
	return parseEntry(luacall.At(results, 0))
}

// Peek returns a task without taking it. Its error is ErrNoTask where there is
// none.
func Peek[T any](ctx context.Context, t Tube, id ID) (Entry[T], error) {
	e, err := t.entry(ctx, request{text: t.method("peek"), args: []any{id}, again: true})
	return entryOf[T](e, err)
}

func entryOf[T any](e entry, err error) (Entry[T], error) {
	if err != nil {
		return Entry[T]{}, err
	}
	data, err := luacall.Decode[T](e.data, nil)
	return Entry[T]{ID: e.id, State: e.state, Data: data}, err
}

// Delete removes a task, whoever has taken it. Its error is ErrNoTask where
// there is none.
func (t Tube) Delete(ctx context.Context, id ID) error {
	_, err := t.entry(ctx, request{text: t.method("delete"), args: []any{id}})
	return err
}

// Bury sets a task aside until it is kicked, whoever has taken it. An error of a lost
// connection is one of unknown fate: it is not done again, as the number may be another
// task's by then.
func (t Tube) Bury(ctx context.Context, id ID) error {
	_, err := t.entry(ctx, request{text: t.method("bury"), args: []any{id}})
	return err
}

// Kick makes up to count buried tasks ready, and returns how many it did.
func (t Tube) Kick(ctx context.Context, count int) (int, error) {
	results, err := t.client.do(ctx, request{text: t.method("kick"), args: []any{count}})
	if err != nil {
		return 0, err
	}
	return luacall.Decode[int](luacall.At(results, 0), nil)
}

// ReleaseAll makes all taken tasks ready, whoever has taken them.
func (t Tube) ReleaseAll(ctx context.Context) error {
	_, err := t.client.do(ctx, request{text: t.method("release_all"), again: true, mute: true})
	return err
}

// Truncate removes all tasks.
func (t Tube) Truncate(ctx context.Context) error {
	_, err := t.client.do(ctx, request{text: t.method("truncate"), again: true, mute: true})
	return err
}

// Statistics are counts of a tube's tasks, and of calls since the server
// started.
type Statistics struct {
	Tasks struct {
		Ready   uint64 `tnt:"ready"`
		Taken   uint64 `tnt:"taken"`
		Done    uint64 `tnt:"done"`
		Buried  uint64 `tnt:"buried"`
		Delayed uint64 `tnt:"delayed"`
		Total   uint64 `tnt:"total"`
	} `tnt:"tasks"`
	Calls map[string]uint64 `tnt:"calls"` // by the functions' names
}

// Statistics returns the counts of the tube.
func (t Tube) Statistics(ctx context.Context) (Statistics, error) {
	ctx, cancel := t.client.call(ctx, 0)
	defer cancel()
	results, err := t.client.do(ctx, request{text: "queue.statistics", args: []any{t.name}, again: true})
	if err != nil {
		// The module indexes the tube without a look whether it is there.
		var e *tnt.Error
		if errors.As(err, &e) && e.Code == errcode.ProcLua {
			if there, asked := t.Exists(ctx); asked == nil && !there {
				err = fmt.Errorf("%w: %w", ErrNoTube, err)
			}
		}
		return Statistics{}, err
	}
	return luacall.Decode[Statistics](luacall.At(results, 0), nil)
}

// Statistics returns the counts of all tubes by their names.
func (c *Client) Statistics(ctx context.Context) (map[string]Statistics, error) {
	results, err := c.do(ctx, request{text: "queue.statistics", again: true})
	if err != nil {
		return nil, err
	}
	return luacall.Decode[map[string]Statistics](luacall.At(results, 0), nil)
}
