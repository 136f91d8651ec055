package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/queuelua"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
)

// undecoded are the lines that no function of this package decodes.
var undecoded = map[string]recordedtest.Excuse{
	"preparations":        {Lines: 20, Why: "the recording's own: box.cfg, queue.cfg, versions, a pause"},
	"a call of no method": {Lines: 8, Why: "a mistake: there is no method nope"},
	"create_tube by CALL": {Lines: 2, Why: "can't be called, as it returns functions: Create runs a piece of Lua"},
	"a touch by no time":  {Lines: 8, Why: "Touch refuses it, and asks nobody"},
}

// decoded is how many lines each function decodes.
var decoded = map[string]int{
	"Open": 20, "Client.Create": 6, "Client.State": 12, "Client.Statistics": 2,
	"Tube.Exists": 4, "Tube.Drop": 4, "Tube.Put": 121, "TryTake": 110, "Peek": 39, "Tube.Delete": 8, "Tube.Kick": 12,
	"Tube.ReleaseAll": 8, "Tube.Truncate": 8, "Tube.Statistics": 13,
	"Task.Ack": 49, "Task.Release": 12, "Task.Bury": 8, "Task.Touch": 8,
}

// Every recorded answer is decoded by the function that is for it, or gives the
// error that has its name.
func TestRecorded(t *testing.T) {
	var c recordedtest.Coverage
	all := 0
	for file, lines := range map[string]int{"queue-3.8": 232, "queue-2.6": 232, "queue-replicaset-3.8": 18} {
		recorded := recordedtest.Load(t, "testdata/"+file+".jsonl", lines)
		synctest.Test(t, func(t *testing.T) {
			srv := tnttest.Run(t, tnttest.InMemory())
			conn := connect(t, tnt.Options{Dialer: srv.DialContext})
			for _, l := range recorded {
				replay(t, &c, &replayer{t: t, srv: srv, conn: conn, line: l, state: "RUNNING"})
			}
		})
		all += lines
	}
	c.Check(t, all, decoded, undecoded)
}

// kindOf is the method, the function or the kind of EVAL of a line.
func kindOf(l recordedtest.Line) string {
	_, method, isMethod := strings.Cut(l.Function, ":")
	switch {
	case isMethod:
		return method
	case strings.Contains(l.Expr, "queue.create_tube(n"):
		return "create"
	case strings.HasPrefix(l.Expr, "return queue.tube["):
		return "exists"
	case l.Function == "queue.create_tube":
		return "create_tube by CALL"
	case l.Function == "queue.cfg", l.Expr != "":
		return "preparations"
	case l.Function == "queue.statistics" && strings.HasPrefix(l.Case, "statistics: all"):
		return "all statistics"
	}
	return strings.TrimPrefix(l.Function, "queue.")
}

func replay(t *testing.T, c *recordedtest.Coverage, r *replayer) {
	t.Helper()
	l := r.line
	kind := kindOf(l)
	args := l.Arguments(t)
	switch {
	case kind == "nope":
		kind = "a call of no method"
	case kind == "touch" && fmt.Sprint(args[1]) <= "0":
		kind = "a touch by no time"
	}
	if _, ok := undecoded[kind]; ok {
		c.Excused(kind)
		return
	}
	do := typed[kind]
	if do.fn == nil {
		t.Errorf("line %d, %s: nothing decodes %s", l.N, l.Case, kind)
		return
	}
	r.begin(kind != "identify")
	defer r.close()
	got := do.fn(t.Context(), r, args)
	switch wrong := hold(l, got); {
	case r.answered() == 0:
		t.Errorf("line %d, %s: the answer was not asked for: %v", l.N, l.Case, got.err)
	case wrong != "":
		t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
	default:
		c.Decoded(do.name)
	}
}

// replayer is a client of a server that answers as recorded. Its other answers are
// those of a queue that runs, with a task to take.
type replayer struct {
	t        *testing.T
	srv      *tnttest.Server
	conn     *tnt.Conn
	client   *queue.Client
	line     recordedtest.Line
	h        tnttest.Handler
	answered func() int

	mu         sync.Mutex
	state      string
	identities [][]any // arguments of identify
}

const identity = "an identity of 16"

// begin makes the answers those of before the line, and opens a client.
func (r *replayer) begin(open bool) {
	r.h, r.answered = r.line.Handler(nil)
	r.srv.Handle("queue.state", func(*tnttest.Call) ([]any, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return []any{r.state}, nil
	})
	r.srv.Handle("queue.identify", r.identify)
	r.srv.HandleEval(queuelua.Taken, func(*tnttest.Call) ([]any, error) { return []any{[]any{}}, nil })
	r.srv.HandleEval(queuelua.Exists, func(*tnttest.Call) ([]any, error) { return []any{false}, nil })
	if open {
		r.open()
	}
}

func (r *replayer) open() {
	client, err := queue.Open(r.t.Context(), r.conn)
	if err != nil {
		r.t.Fatal(err)
	}
	r.client = client
}

func (r *replayer) close() {
	if r.client != nil {
		_ = r.client.Close(r.t.Context())
	}
}

func (r *replayer) identify(c *tnttest.Call) ([]any, error) {
	args, err := c.Args()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.identities = append(r.identities, args)
	return []any{identity}, err
}

// tube is the line's, and answers as it does from now on. A queue that does not
// run says so when it is asked.
func (r *replayer) tube() queue.Tube {
	values, _ := r.line.Values()
	if len(values) == 1 && values[0] == nil && !strings.HasPrefix(r.line.Case, "limfifottl") {
		r.mu.Lock()
		r.state = "WAITING"
		r.mu.Unlock()
	}
	r.srv.Handle(r.line.Function, r.h)
	name, _, _ := strings.Cut(strings.TrimPrefix(r.line.Function, "queue.tube."), ":")
	return r.client.Tube(name)
}

// task is a task of the line's tube, which is taken before the line's answer.
func (r *replayer) task(id int64) *queue.Task[any] {
	name, _, _ := strings.Cut(r.line.Function, ":")
	r.srv.Handle(name+":take", func(*tnttest.Call) ([]any, error) { return []any{[]any{id, "t", "x"}}, nil })
	task, err := queue.TryTake[any](r.t.Context(), r.client.Tube(strings.TrimPrefix(name, "queue.tube.")))
	if err != nil {
		r.t.Fatal(err)
	}
	r.tube()
	return task
}

// outcome is what a typed function returned, as text to be held against the
// recorded answer; "any" where it returns less than came.
type outcome struct {
	text string
	err  error
}

// typed are the functions that decode lines, by their kind.
var typed = map[string]struct {
	name string
	fn   func(context.Context, *replayer, []any) outcome
}{
	"put": {"Tube.Put", func(ctx context.Context, r *replayer, _ []any) outcome {
		id, err := r.tube().Put(ctx, "x")
		if values, _ := r.line.Values(); err == nil && fmt.Sprint(id) != fmt.Sprint(values[0].([]any)[0]) {
			return outcome{fmt.Sprint("task ", id), nil}
		}
		return outcome{"any", err}
	}},
	"take": {"TryTake", func(ctx context.Context, r *replayer, _ []any) outcome {
		task, err := queue.TryTake[any](ctx, r.tube())
		switch {
		case errors.Is(err, queue.ErrNoTask):
			return outcome{"[]", nil}
		case err != nil:
			return outcome{"", err}
		}
		return outcome{fmt.Sprintf("[[%d t %v]]", task.ID, task.Data), nil}
	}},
	"peek": {"Peek", func(ctx context.Context, r *replayer, _ []any) outcome {
		e, err := queue.Peek[any](ctx, r.tube(), 0)
		return outcome{fmt.Sprintf("[[%d %c %v]]", e.ID, e.State, e.Data), err}
	}},
	"ack":     {"Task.Ack", finishing((*queue.Task[any]).Ack)},
	"bury":    {"Task.Bury", finishing((*queue.Task[any]).Bury)},
	"release": {"Task.Release", finishing(func(t *queue.Task[any], ctx context.Context) error { return t.Release(ctx, 0) })},
	"touch":   {"Task.Touch", finishing(func(t *queue.Task[any], ctx context.Context) error { return t.Touch(ctx, time.Second) })},
	"delete": {"Tube.Delete", func(ctx context.Context, r *replayer, _ []any) outcome {
		return outcome{"any", r.tube().Delete(ctx, 0)}
	}},
	"kick": {"Tube.Kick", func(ctx context.Context, r *replayer, _ []any) outcome {
		n, err := r.tube().Kick(ctx, 10)
		return outcome{fmt.Sprint([]int{n}), err}
	}},
	"release_all": {"Tube.ReleaseAll", func(ctx context.Context, r *replayer, _ []any) outcome {
		return outcome{"[]", r.tube().ReleaseAll(ctx)}
	}},
	"truncate": {"Tube.Truncate", func(ctx context.Context, r *replayer, _ []any) outcome { return outcome{"[]", r.tube().Truncate(ctx)} }},
	"drop":     {"Tube.Drop", func(ctx context.Context, r *replayer, _ []any) outcome { return outcome{"[true]", r.tube().Drop(ctx)} }},
	"create": {"Client.Create", func(ctx context.Context, r *replayer, _ []any) outcome {
		r.srv.HandleEval(queuelua.Create, r.h)
		_, err := r.client.Create(ctx, "made", queue.FIFO, queue.CreateOptions{})
		return outcome{"[]", err}
	}},
	"exists": {"Tube.Exists", func(ctx context.Context, r *replayer, _ []any) outcome {
		r.srv.HandleEval(queuelua.Exists, r.h)
		there, err := r.client.Tube("made").Exists(ctx)
		return outcome{fmt.Sprint([]bool{there}), err}
	}},
	"state": {"Client.State", func(ctx context.Context, r *replayer, _ []any) outcome {
		r.tube()
		state, err := r.client.State(ctx)
		return outcome{fmt.Sprint([]string{state}), err}
	}},
	"statistics": {"Tube.Statistics", func(ctx context.Context, r *replayer, args []any) outcome {
		r.tube()
		s, err := r.client.Tube(args[0].(string)).Statistics(ctx)
		return outcome{fmt.Sprint([]any{statisticsOf(s)}), err}
	}},
	"all statistics": {"Client.Statistics", func(ctx context.Context, r *replayer, _ []any) outcome {
		r.tube()
		all, err := r.client.Statistics(ctx)
		m := make(map[string]any)
		for name, s := range all {
			m[name] = statisticsOf(s)
		}
		return outcome{fmt.Sprint([]any{m}), err}
	}},
	"identify": {"Open", identifying},
}

func finishing(end func(*queue.Task[any], context.Context) error) func(context.Context, *replayer, []any) outcome {
	return func(ctx context.Context, r *replayer, args []any) outcome {
		return outcome{"any", end(r.task(args[0].(int64)), ctx)}
	}
}

func statisticsOf(s queue.Statistics) map[string]any {
	calls := make(map[string]any)
	for name, n := range s.Calls {
		calls[name] = n
	}
	t := s.Tasks
	return map[string]any{"calls": calls, "tasks": map[string]any{
		"ready": t.Ready, "taken": t.Taken, "done": t.Done, "buried": t.Buried, "delayed": t.Delayed, "total": t.Total,
	}}
}

// identifying has the line be the answer to a client that opens, or, where it is
// about a session that there was, to one whose connection was lost.
func identifying(ctx context.Context, r *replayer, args []any) outcome {
	if len(args) == 0 {
		r.srv.Handle("queue.identify", r.h)
		client, err := queue.Open(ctx, r.conn)
		if err != nil {
			return outcome{"", err}
		}
		r.client = client
		r.srv.Handle("queue.identify", r.identify)
		r.cut()
		_, err = client.State(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		return outcome{fmt.Sprint(r.identities[0]), err} // which is who the server was told then
	}
	r.open()
	r.srv.Handle("queue.tube.fifo:take", func(*tnttest.Call) ([]any, error) { return []any{[]any{1, "t", "x"}}, nil })
	r.srv.Handle("queue.tube.fifo:ack", func(*tnttest.Call) ([]any, error) { return []any{[]any{1, "-", "x"}}, nil })
	task, err := queue.TryTake[any](ctx, r.client.Tube("fifo"))
	if err != nil {
		return outcome{"", err}
	}
	once, answered := r.line.Handler(r.identify)
	unknown := strings.HasSuffix(errorText(r.line), "is unknown.")
	if r.answered = answered; !unknown {
		once, r.answered = r.line.Handler(nil)
	}
	r.srv.Handle("queue.identify", once)
	r.cut()
	if _, err := r.client.State(ctx); err != nil {
		return outcome{"", err}
	}
	err = task.Ack(ctx)
	if unknown && errors.Is(err, queue.ErrNotTaken) {
		return outcome{"a session anew", nil}
	}
	values, _ := r.line.Values()
	return outcome{fmt.Sprint(values), err}
}

func errorText(l recordedtest.Line) string {
	if _, raised := l.Values(); raised != nil {
		return raised.Message
	}
	return ""
}

func (r *replayer) cut() {
	for _, c := range r.srv.Connections() {
		c.Close()
		<-c.Done()
	}
}

// names are the errors that have names here, by parts of their texts.
var names = map[string]error{
	"Task was not taken": queue.ErrNotTaken, " not found": queue.ErrNoTask, "is not defined": queue.ErrNoTube, "read-only instance": queue.ErrNotRunning,
	"attempt to index a nil value": queue.ErrNoTube,
}

// hold holds what a typed function returned against the recorded answer, and says
// what is wrong.
func hold(l recordedtest.Line, o outcome) string {
	values, raised := l.Values()
	switch {
	case raised != nil && o.text == "a session anew":
		return ""
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
		want := queue.ErrNotRunning
		if strings.HasPrefix(l.Case, "limfifottl") {
			want = queue.ErrFull
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
