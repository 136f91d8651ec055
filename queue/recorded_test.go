package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/internal/queuelua"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
)

// idle returns a client with a session but without a supervisor.
func idle(t *testing.T, conn *tnt.Conn) (*Client, *link) {
	t.Helper()
	session, err := tnt.Pin(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	l := &link{Pinned: session, stale: make(chan struct{})}
	c := &Client{opts: Options{MaxWait: time.Nanosecond}, changed: make(chan struct{}), held: make(map[taskKey]*held), current: l}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c, l
}

// outcome is what a typed function returned, as text to be held against the
// recorded answer.
type outcome struct {
	text string
	err  error
}

func entryText[T any](e Entry[T], err error) outcome {
	return outcome{fmt.Sprintf("[[%d %c %v]]", e.ID, e.State, e.Data), err}
}

var methods = map[string]func(ctx context.Context, c *Client, t Tube, args []any) outcome{
	"put": func(ctx context.Context, c *Client, t Tube, args []any) outcome {
		e, err := t.entry(ctx, request{text: t.method("put"), args: args})
		return entryText(entryOf[any](e, err))
	},
	"peek": func(ctx context.Context, c *Client, t Tube, _ []any) outcome {
		return entryText(Peek[any](ctx, t, 0))
	},
	"take": func(ctx context.Context, c *Client, t Tube, _ []any) outcome {
		task, err := TryTake[any](ctx, t)
		if errors.Is(err, ErrNoTask) {
			return outcome{"[]", nil}
		}
		if err != nil {
			return outcome{"", err}
		}
		return outcome{fmt.Sprintf("[[%d t %v]]", task.ID, task.Data), nil}
	},
	"ack":     finishText("ack"),
	"release": finishText("release"),
	"bury":    finishText("bury"),
	"touch": func(ctx context.Context, c *Client, t Tube, args []any) outcome {
		more, _ := args[1].(int64)
		if more <= 0 {
			return outcome{"[]", nil} // which is not asked for
		}
		task := Task[any]{held: c.hold(t, ID(args[0].(int64)))}
		return outcome{"any", task.Touch(ctx, time.Duration(more)*time.Second)}
	},
	"delete": func(ctx context.Context, c *Client, t Tube, args []any) outcome {
		return outcome{"any", t.Delete(ctx, 0)}
	},
	"kick": func(ctx context.Context, c *Client, t Tube, _ []any) outcome {
		n, err := t.Kick(ctx, 10)
		return outcome{fmt.Sprint([]int{n}), err}
	},
	"release_all": func(ctx context.Context, c *Client, t Tube, _ []any) outcome { return outcome{"[]", t.ReleaseAll(ctx)} },
	"truncate":    func(ctx context.Context, c *Client, t Tube, _ []any) outcome { return outcome{"[]", t.Truncate(ctx)} },
	"drop":        func(ctx context.Context, c *Client, t Tube, _ []any) outcome { return outcome{"[true]", t.Drop(ctx)} },
	"nope": func(ctx context.Context, c *Client, t Tube, _ []any) outcome {
		_, err := t.entry(ctx, request{text: t.method("nope")})
		return outcome{"", err}
	},
}

func finishText(method string) func(ctx context.Context, c *Client, t Tube, args []any) outcome {
	return func(ctx context.Context, c *Client, t Tube, args []any) outcome {
		return outcome{"any", c.hold(t, ID(args[0].(int64))).finish(ctx, method)}
	}
}

// Every recorded answer is decoded by the function that is for it, or gives the
// error that has its name.
func TestRecorded(t *testing.T) {
	for file, want := range map[string]int{"queue-3.8": 232, "queue-2.6": 232, "queue-replicaset-3.8": 18} {
		t.Run(file, func(t *testing.T) { replay(t, recordedtest.Load(t, "testdata/"+file+".jsonl", want)) })
	}
}

func replay(t *testing.T, lines []recordedtest.Line) {
	player := recordedtest.Play(t, lines)
	player.RegisterEval(queuelua.Create)
	player.RegisterEval(queuelua.Exists)
	conn, err := tnt.Connect(t.Context(), player.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	runs := true
	player.Handle("queue.state", func(*tnttest.Call) ([]any, error) {
		if runs {
			return []any{"RUNNING"}, nil
		}
		return []any{"WAITING"}, nil
	})
	done := 0
	for _, l := range lines {
		player.Next(l)
		runs = !strings.Contains(l.Case, "read only:") && !strings.HasPrefix(l.Case, "after read only: put at once") &&
			!strings.HasPrefix(l.Case, "after the switch: ack on q1")
		if wrong := replayLine(t, conn, l); wrong != "" {
			t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
			continue
		}
		done++
	}
	if done != len(lines) {
		t.Errorf("%d of %d lines were decoded", done, len(lines))
	}
}

func replayLine(t *testing.T, conn *tnt.Conn, l recordedtest.Line) string {
	t.Helper()
	c, here := idle(t, conn)
	defer c.cancel(nil)
	ctx, args := t.Context(), l.Arguments(t)
	if tube, method, ok := strings.Cut(strings.TrimPrefix(l.Function, "queue.tube."), ":"); ok {
		do := methods[method]
		if do == nil {
			return "nothing decodes " + method
		}
		return holdOutcome(l, do(ctx, c, c.Tube(tube), args))
	}
	var o outcome
	switch {
	case l.Function == "queue.state":
		values, _ := l.Values()
		if s, ok := values[0].(string); !ok || s == "" {
			return "no state"
		}
		return ""
	case l.Function == "queue.identify":
		if len(args) > 0 {
			c.identity, _ = luacall.Encode(args[0])
		}
		o.err = c.identify(ctx, here)
		o.text = fmt.Sprint([]any{c.identity.Text()})
		if len(args) > 0 && o.err == nil && len(c.identity.Text()) != 16 {
			return fmt.Sprintf("identified as %q", c.identity)
		}
	case l.Function == "queue.statistics" && len(args) > 0:
		s, err := c.Tube(args[0].(string)).Statistics(ctx)
		o = outcome{"any", err}
		if err == nil && s.Calls["put"] == 0 {
			return "no calls are counted"
		}
	case l.Function == "queue.statistics":
		all, err := c.Statistics(ctx)
		o = outcome{"any", err}
		if len(all) < 5 || all["fifo"].Calls["put"] == 0 {
			return fmt.Sprintf("got %v", all)
		}
	case l.Function == "queue.create_tube", strings.Contains(l.Expr, "queue.create_tube(n"):
		_, err := c.Create(ctx, "made", FIFO, CreateOptions{})
		o = outcome{"[]", err}
	case strings.HasPrefix(l.Expr, "return queue.tube["):
		there, err := c.Tube("made").Exists(ctx)
		o = outcome{fmt.Sprint([]bool{there}), err}
	case l.Function == "queue.cfg", l.Expr != "":
		return "" // the recording's own preparations
	default:
		return "nothing decodes " + l.Function
	}
	return holdOutcome(l, o)
}

// names are the errors that have names here, by parts of their texts.
var names = map[string]error{
	"Task was not taken": ErrNotTaken, " not found": ErrNoTask, "is not defined": ErrNoTube, "read-only instance": ErrNotRunning,
}

func holdOutcome(l recordedtest.Line, o outcome) string {
	values, raised := l.Values()
	switch {
	case raised != nil:
		var e *tnt.Error
		if !errors.As(o.err, &e) || e.Message != raised.Message {
			return fmt.Sprintf("got error %v, want %v", o.err, raised)
		}
		for part, name := range names {
			if strings.Contains(raised.Message, part) && !errors.Is(o.err, name) {
				return fmt.Sprintf("got error %v, want %v", o.err, name)
			}
		}
	case len(values) == 1 && values[0] == nil:
		want := ErrNotRunning
		if strings.HasPrefix(l.Case, "limfifottl") {
			want = ErrFull
		}
		if !errors.Is(o.err, want) {
			return fmt.Sprintf("got error %v, want %v", o.err, want)
		}
	case o.err != nil:
		return fmt.Sprintf("got error %v", o.err)
	case o.text != "any" && o.text != fmt.Sprint(values):
		return fmt.Sprintf("got %s, want %v", o.text, values)
	}
	return ""
}
