// Package queuetest is a fake of Tarantool's module queue on the embedded
// server, for tests of programs that use package queue:
//
//	srv := tnttest.Run(t)
//	fake := queuetest.Attach(srv)
//	fake.Create("mails", "fifottl")
//	conn, err := tnt.Connect(ctx, srv.Addr())
//	client, err := queue.Open(ctx, conn)
//
// It has the module's five kinds of tubes, sessions, delays and times to live
// and to run, and answers as queue 1.5.0 was recorded to. It keeps nothing.
package queuetest

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/queuelua"
	"github.com/gotnt/tnt/tnttest"
)

// Option changes a fake.
type Option func(*Queue)

// WithClock sets the clock of delays and times to run: that of the server's
// option WithClock, to have them agree. Default: the system's, which in a
// testing/synctest bubble is the bubble's.
func WithClock(c tnttest.Clock) Option { return func(q *Queue) { q.clock = c } }

// WithSessionTTR sets how long the tasks of a session are kept for it that no
// connection has (queue.cfg.ttr). Default: 60 s.
func WithSessionTTR(d time.Duration) Option { return func(q *Queue) { q.ttr = d } }

// Queue is a fake of the module. Its methods are safe for concurrent use.
type Queue struct {
	srv   *tnttest.Server
	clock tnttest.Clock
	ttr   time.Duration

	mu       sync.Mutex
	state    string
	tubes    map[string]*tube
	sessions map[string]*session
	conns    map[*tnttest.Conn]*session
	strays   map[string]bool // sessions that Lose has made
}

// session is who takes tasks: its connections come and go.
type session struct {
	uuid    string
	conns   int
	expires time.Time // where conns is 0
}

// Attach adds the module's functions to a server.
func Attach(srv *tnttest.Server, opts ...Option) *Queue {
	q := &Queue{
		srv: srv, clock: systemClock{}, ttr: time.Minute, state: "RUNNING",
		tubes: make(map[string]*tube), sessions: make(map[string]*session), conns: make(map[*tnttest.Conn]*session), strays: make(map[string]bool),
	}
	for _, opt := range opts {
		opt(q)
	}
	srv.Handle("queue.state", func(*tnttest.Call) ([]any, error) {
		q.mu.Lock()
		defer q.mu.Unlock()
		return []any{q.state}, nil
	})
	srv.Handle("queue.identify", q.identify)
	srv.Handle("queue.statistics", q.statistics)
	srv.HandleEval(queuelua.Create, q.create)
	srv.HandleEval(queuelua.Exists, q.exists)
	srv.HandleEval(queuelua.Taken, q.taken)
	srv.HandleEval(queuelua.Strays, q.endStrays)
	return q
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

// SetState sets the module's state: other than "RUNNING" its functions do
// nothing and answer with nil, as on a replica. Takes that wait go on waiting.
func (q *Queue) SetState(state string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.state = state
}

// Create makes a tube of one of the module's kinds.
func (q *Queue) Create(name, kind string) { q.add(name, kind, 0) }

// CreateLimited makes a limfifottl with room for so many tasks.
func (q *Queue) CreateLimited(name string, capacity int) { q.add(name, "limfifottl", capacity) }

func (q *Queue) add(name, kind string, capacity int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tubes[name] != nil {
		return
	}
	t := &tube{queue: q, name: name, kind: kind, capacity: capacity, calls: make(map[string]int), changed: make(chan struct{})}
	q.tubes[name] = t
	for method, h := range t.handlers() {
		q.srv.Handle("queue.tube."+name+":"+method, h)
	}
}

// Task is a task as a test sees it.
type Task struct {
	ID    int
	State string // "r", "t", "!", "~"
	Data  any
}

// Tasks returns the tasks of a tube in the order of their numbers.
func (q *Queue) Tasks(name string) []Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tubes[name]
	if t == nil {
		return nil
	}
	t.settle()
	tasks := make([]Task, len(t.tasks))
	for i, k := range t.tasks {
		tasks[i] = Task{ID: k.id, State: k.state, Data: k.data}
	}
	return tasks
}

// session returns the session of a connection, and makes one.
func (q *Queue) session(c *tnttest.Call) *session {
	conn := c.Conn()
	if s := q.conns[conn]; s != nil {
		return s
	}
	s := q.newSession()
	q.join(conn, s)
	return s
}

func (q *Queue) newSession() *session {
	uuid := make([]byte, 16)
	_, _ = rand.Read(uuid)
	s := &session{uuid: string(uuid)}
	q.sessions[s.uuid] = s
	return s
}

// join makes a session that of a connection, for as long as it lasts.
func (q *Queue) join(conn *tnttest.Conn, s *session) {
	if old := q.conns[conn]; old != nil {
		old.conns--
	} else {
		go func() {
			<-conn.Done()
			q.mu.Lock()
			defer q.mu.Unlock()
			q.leave(conn)
		}()
	}
	s.conns++
	q.conns[conn] = s
}

// leave notes, once, that a connection has ended.
func (q *Queue) leave(conn *tnttest.Conn) {
	s := q.conns[conn]
	if s == nil {
		return
	}
	delete(q.conns, conn)
	if s.conns--; s.conns == 0 {
		s.expires = q.clock.Now().Add(q.ttr)
		q.clock.AfterFunc(q.ttr, q.wake)
	}
}

// expire forgets sessions that nobody came back to. It looks for connections that
// have ended by itself: their goroutines may be late.
func (q *Queue) expire() {
	for conn := range q.conns {
		select {
		case <-conn.Done():
			q.leave(conn)
		default:
		}
	}
	for uuid, s := range q.sessions {
		if s.conns > 0 || q.clock.Now().Before(s.expires) {
			continue
		}
		delete(q.sessions, uuid)
		for _, t := range q.tubes {
			t.releaseOf(uuid)
		}
	}
}

// wake has all that wait look again.
func (q *Queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.tubes {
		t.notify()
	}
}

func (q *Queue) identify(c *tnttest.Call) ([]any, error) {
	args, err := c.Args()
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire()
	if len(args) == 0 || args[0] == nil {
		return []any{q.session(c).uuid}, nil
	}
	uuid, ok := args[0].(string)
	if !ok || len(uuid) != 16 {
		return nil, raised("queue_session.lua:214: Invalid UUID format.")
	}
	s := q.sessions[uuid]
	if s == nil {
		return nil, raised("queue_session.lua:223: The UUID " + formatUUID(uuid) + " is unknown.")
	}
	q.join(c.Conn(), s)
	return []any{uuid}, nil
}

func (q *Queue) taken(c *tnttest.Call) ([]any, error) {
	uuid, err := tnttest.Arg[string](c, 0)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	found := []any{}
	for _, t := range q.tubes {
		t.settle()
		for _, k := range t.tasks {
			if k.state == taken && k.owner == uuid {
				found = append(found, []any{t.name, k.id})
			}
		}
	}
	return []any{found}, nil
}

func (q *Queue) create(c *tnttest.Call) ([]any, error) {
	name, err := tnttest.Arg[string](c, 0)
	if err != nil {
		return nil, err
	}
	kind, err := tnttest.Arg[string](c, 1)
	if err != nil {
		return nil, err
	}
	opts, err := tnttest.Arg[struct {
		Capacity    int  `tnt:"capacity"`
		IfNotExists bool `tnt:"if_not_exists"`
	}](c, 2)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"fifo", "fifottl", "utube", "utubettl", "limfifottl"}, kind) {
		return nil, raised("abstract.lua:657: Unknown tube type " + kind)
	}
	q.mu.Lock()
	there := q.tubes[name] != nil
	q.mu.Unlock()
	if there && !opts.IfNotExists {
		return nil, raised("abstract.lua:663: Space '" + name + "' already exists")
	}
	q.add(name, kind, opts.Capacity)
	return nil, nil
}

func (q *Queue) exists(c *tnttest.Call) ([]any, error) {
	name, err := tnttest.Arg[string](c, 0)
	q.mu.Lock()
	defer q.mu.Unlock()
	return []any{q.tubes[name] != nil}, err
}

func (q *Queue) statistics(c *tnttest.Call) ([]any, error) {
	args, err := c.Args()
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make(map[string]any)
	for name, t := range q.tubes {
		all[name] = t.statistics()
	}
	if len(args) == 0 {
		return []any{all}, nil
	}
	name, _ := args[0].(string)
	if q.tubes[name] == nil {
		return nil, raised("abstract.lua:909: attempt to index a nil value")
	}
	return []any{all[name]}, nil
}
