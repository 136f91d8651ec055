package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is what sends in tests.
type post struct {
	mu   sync.Mutex
	sent []string
	fail map[string]int // how often sending to an address fails at first
	each func(queue.ID)
}

func (p *post) send(_ context.Context, id queue.ID, m Mail) error {
	if p.each != nil {
		p.each(id)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case m.To == "nobody":
		return errNoAddress
	case p.fail[m.To] > 0:
		p.fail[m.To]--
		return errors.New("the mail server is away")
	}
	p.sent = append(p.sent, m.To)
	return nil
}

func (p *post) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := slices.Clone(p.sent)
	slices.Sort(list)
	return fmt.Sprint(list)
}

// started is a tube with a worker of it.
type started struct {
	mails queue.Tube
	stop  context.CancelFunc
	ended chan error
}

// start has a worker send the mails of a tube on the server at a connection, which
// ends with the test.
func start(t *testing.T, conn *tnt.Conn, p *post) *started {
	t.Helper()
	client, err := queue.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &started{mails: client.Tube(tube), stop: cancel, ended: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() { s.ended <- work(ctx, s.mails, 2, p.send, log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-s.ended; err != nil {
			t.Errorf("the end: %v", err)
		}
		s.ended <- nil
		_ = client.Close(t.Context()) // which has ended: the server ends as well
		_ = conn.Close()
	})
	return s
}

func (s *started) put(t *testing.T, mails ...string) {
	t.Helper()
	for _, to := range mails {
		if _, err := s.mails.Put(t.Context(), Mail{To: to}); err != nil {
			t.Fatal(err)
		}
	}
}

// fake is an embedded server with the tube, and a connection to it.
func fake(t *testing.T) (*tnttest.Server, *queuetest.Queue, *tnt.Conn) {
	t.Helper()
	srv := tnttest.Run(t)
	q := queuetest.Attach(srv)
	q.Create(tube, string(queue.FIFOTTL))
	conn, err := tnt.Connect(t.Context(), srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	return srv, q, conn
}

// states are those of the tasks in the tube, but for what is done.
func states(q *queuetest.Queue) (list []string) {
	for _, task := range q.Tasks(tube) {
		list = append(list, task.State)
	}
	return list
}

func TestEachMailIsSentOnce(t *testing.T) {
	_, q, conn := fake(t)
	p := &post{fail: map[string]int{"bob": 1}}
	s := start(t, conn, p)
	s.put(t, "ann", "bob", "nobody", "cid")
	eventually(t, "all is sent but what can't be", func() bool {
		return p.all() == "[ann bob cid]" && slices.Equal(states(q), []string{"!"})
	})
}

// TestLostConnection has the connection be lost while mails are sent: they are done
// all the same, and not sent again.
func TestLostConnection(t *testing.T) {
	srv, q, conn := fake(t)
	var putting sync.Mutex // the connection of a put is not to be lost
	p := &post{each: func(queue.ID) {
		putting.Lock()
		defer putting.Unlock()
		for _, c := range srv.Connections() {
			c.Close()
		}
	}}
	s := start(t, conn, p)
	put := func(mail string) {
		putting.Lock()
		defer putting.Unlock()
		s.put(t, mail)
	}
	put("ann")
	eventually(t, "the mail is done", func() bool { return p.all() == "[ann]" && len(states(q)) == 0 })
	put("bob")
	eventually(t, "the worker goes on", func() bool { return p.all() == "[ann bob]" && len(states(q)) == 0 })
}

// TestEndLosesNothing ends the worker while it sends a mail: that is sent and done all
// the same, and one that was not begun stays.
func TestEndLosesNothing(t *testing.T) {
	_, q, conn := fake(t)
	began, gate := make(chan struct{}, 2), make(chan struct{})
	p := &post{each: func(queue.ID) { began <- struct{}{}; <-gate }}
	s := start(t, conn, p)
	s.put(t, "ann", "bob", "cid") // of whom two workers take two
	<-began
	<-began
	s.stop()
	close(gate)
	if err := <-s.ended; err != nil {
		t.Errorf("the end: %v", err)
	}
	s.ended <- nil
	if p.all() != "[ann bob]" || !slices.Equal(states(q), []string{"r"}) {
		t.Errorf("sent %s, left %q", p.all(), states(q))
	}
}

// TestProgram runs the program as it is, on the embedded server, until it has sent.
func TestProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	old := slog.Default()
	defer slog.SetDefault(old)
	slog.SetDefault(slog.New(&counting{Handler: slog.DiscardHandler, want: 3, reached: cancel}))
	if err := run(ctx, "", "", 4); err != nil {
		t.Error(err)
	}
	if ctx.Err() == nil {
		t.Error("it ended before all mails were sent or given up")
	}
}

// counting is a log that tells when it has so many lines.
type counting struct {
	slog.Handler
	lines   atomic.Int32
	want    int32
	reached func()
}

func (c *counting) Enabled(context.Context, slog.Level) bool { return true }

func (c *counting) Handle(context.Context, slog.Record) error {
	if c.lines.Add(1) == c.want {
		c.reached()
	}
	return nil
}

// TestOnRealServer does the same on a real queue.
func TestOnRealServer(t *testing.T) {
	modules := os.Getenv("TNT_LUA_MODULES")
	if modules == "" {
		t.Skip("TNT_LUA_MODULES, a directory with module queue, is not set")
	}
	real := tnttest.RunReal(t, tnttest.Schema{})
	conn, err := tnt.Connect(t.Context(), real.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Eval(t.Context(), `local dir = ...
		package.path = dir .. '/?.lua;' .. dir .. '/?/init.lua;' .. package.path
		queue = require('queue')
		queue.create_tube('`+tube+`', 'fifottl')`, modules); err != nil {
		t.Fatal(err)
	}
	p := &post{fail: map[string]int{"bob": 1}}
	s := start(t, conn, p)
	s.put(t, "ann", "bob", "nobody", "cid")
	eventually(t, "all is sent but what can't be", func() bool {
		all, err := s.mails.Statistics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p.all() == "[ann bob cid]" && all.Tasks.Buried == 1 && all.Tasks.Total == 1
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in 10 s: " + what)
		}
	}
}
