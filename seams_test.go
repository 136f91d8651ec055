package tnt_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// smallPool is what a pool takes: it sends writes to the connection that last took
// one, reads to any that is up, and goes elsewhere after a failure that left nothing
// done.
type smallPool struct {
	conns  []*tnt.Conn
	master atomic.Int64
	next   atomic.Int64
}

func (p *smallPool) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	if a.Try > 2*len(p.conns) {
		return tnt.Route{}, fmt.Errorf("tried %d times: %w", a.Try-1, a.Err)
	}
	n := int(p.master.Load())
	isRead := a.Request.Type == iproto.TypeSelect
	switch {
	case a.Err != nil && !isRead && p.conns[n] == a.Last.Conn():
		n = (n + 1) % len(p.conns)
		p.master.Store(int64(n))
	case isRead:
		n = int(p.next.Add(1)) % len(p.conns)
	}
	return p.conns[n].Route(ctx, tnt.Attempt{Request: a.Request, Try: 1})
}

// withUsers starts an embedded server with a space "users".
func withUsers(t *testing.T) *tnttest.Server {
	t.Helper()
	return tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name:   "users",
		Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{
			{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "name", Parts: []tnttest.Part{{Field: 2, Type: "string"}}},
		},
	}))
}

// TestSmallPool has a pool of forty lines carry on when its master turns read-only
// and when a server goes away.
func TestSmallPool(t *testing.T) {
	var p smallPool
	var servers []*tnttest.Server
	for range 3 {
		srv := withUsers(t)
		servers = append(servers, srv)
		p.conns = append(p.conns, connect(t, tnt.Options{Address: srv.Addr()}))
	}
	servers[0].Inject(tnttest.Fault{On: iproto.TypeReplace, Error: &tnt.Error{Code: errcode.Readonly, Message: "read-only"}})
	if _, err := tnt.One[[]any](testContext(t), &p, tnt.Replace{Space: "users", Tuple: []any{1, "x"}}); err != nil {
		t.Errorf("a write meets a read-only server: %v", err)
	}
	if n := servers[0].Counters().Requests[iproto.TypeReplace]; n != 1 || p.master.Load() != 1 {
		t.Errorf("the read-only server had %d writes, the master is %d", n, p.master.Load())
	}
	servers[2].Close()
	for range 6 {
		if _, err := tnt.All[[]any](testContext(t), &p, tnt.Select{Space: "users"}); err != nil {
			t.Errorf("a read while a server is away: %v", err)
		}
	}
}

// spans is what a tracer takes: a span for each request, with what it worked on
// apart, and its parent from the context.
type spans struct {
	mu    sync.Mutex
	lines []string
}

type spanKey struct{}

func (s *spans) OnRequestStart(ctx context.Context, _ *tnt.Conn, req tnt.RequestInfo) context.Context {
	return context.WithValue(ctx, spanKey{}, req.Type.String()+" "+req.Space+req.Function)
}

func (s *spans) OnRequestEnd(ctx context.Context, c *tnt.Conn, req tnt.RequestInfo, end tnt.RequestEnd) {
	var server *tnt.Error
	code := "ok"
	if errors.As(end.Err, &server) {
		code = server.Code.String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf("%v index=%q size=%d rows=%d sent=%v received=%v server=%v %s",
		ctx.Value(spanKey{}), req.Index, req.Size, end.Rows, end.Sent > 0, end.Received > 0, c.Port() != "", code))
}

func TestHookLikeATracer(t *testing.T) {
	srv := withUsers(t)
	var s spans
	conn := connect(t, tnt.Options{Address: srv.Addr(), Hooks: []tnt.Hook{&s}})
	ctx := testContext(t)
	_, _ = conn.Insert(ctx, "users", []any{1, "x"})
	_, _ = conn.Insert(ctx, "users", []any{1, "x"})
	_, _ = conn.Do(ctx, tnt.Select{SpaceID: conn.Schema().Space("users").ID, Index: "name"})
	for _, err := range tnt.Each[[]any](ctx, conn, []tnt.Select{{Space: "users"}, {Space: "users"}}) {
		if err != nil {
			t.Error(err)
		}
	}
	equal(t, "the spans", s.lines, []string{
		`INSERT users index="" size=0 rows=1 sent=true received=true server=true ok`,
		`INSERT users index="" size=0 rows=0 sent=true received=false server=true ER_TUPLE_FOUND`,
		`SELECT users index="name" size=0 rows=1 sent=true received=true server=true ok`,
		`SELECT users index="" size=2 rows=2 sent=true received=true server=true ok`,
	})
}

// driverConn is what a connection of database/sql takes: one session, which is bad
// when it is lost, and statements and transactions on it.
type driverConn struct {
	pinned *tnt.Pinned
	tx     *tnt.Stream
}

func (c *driverConn) ex() tnt.Executor {
	if c.tx != nil {
		return c.tx
	}
	return c.pinned
}

func (c *driverConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c *driverConn) Close() error                        { return nil }
func (c *driverConn) IsValid() bool                       { return c.pinned.Err() == nil }

func (c *driverConn) Begin() (driver.Tx, error) {
	c.tx = tnt.NewStream(c.pinned)
	return c, c.tx.Begin(context.Background())
}

func (c *driverConn) Commit() error   { return c.end(tnt.Commit{}) }
func (c *driverConn) Rollback() error { return c.end(tnt.Rollback{}) }

func (c *driverConn) end(req tnt.Request) error {
	_, err := tnt.Do(context.Background(), c.tx, req)
	c.tx = nil
	return err
}

func (c *driverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	req := tnt.Execute{Statement: query}
	for _, a := range args {
		req.Args = append(req.Args, a.Value)
	}
	resp, err := tnt.Do(ctx, c.ex(), req)
	if errors.Is(err, tnt.ErrNotConnected) {
		return nil, driver.ErrBadConn // surely not sent
	}
	if err != nil {
		return nil, err
	}
	rows := &driverRows{}
	columns, err1 := resp.Columns()
	tuples, err2 := resp.Tuples()
	rows.columns, rows.tuples = columns, tuples
	return rows, errors.Join(err1, err2)
}

type driverRows struct {
	columns []tnt.Column
	tuples  []tnt.Tuple
}

func (r *driverRows) Close() error { return nil }

func (r *driverRows) Columns() (names []string) {
	for _, c := range r.columns {
		names = append(names, c.Name)
	}
	return names
}

func (r *driverRows) Next(dest []driver.Value) error {
	if len(r.tuples) == 0 {
		return io.EOF
	}
	values, err := r.tuples[0].Values()
	for i := range values {
		dest[i] = values[i]
	}
	r.tuples = r.tuples[1:]
	return err
}

func TestConnOfADriver(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		pinned, err := tnt.Pin(testContext(t), conn)
		if err != nil {
			t.Fatal(err)
		}
		c := &driverConn{pinned: pinned}
		rows, err := c.QueryContext(testContext(t), "SELECT ? + 1 AS n", []driver.NamedValue{{Value: int64(41)}})
		if err != nil {
			t.Fatal(err)
		}
		values := make([]driver.Value, 1)
		if err := rows.Next(values); err != nil || values[0] != int64(42) || len(rows.Columns()) != 1 {
			t.Errorf("the row is %v of %v, %v", values, rows.Columns(), err)
		}
		s.Kill()
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
		if c.IsValid() {
			t.Error("a connection whose session is lost is valid")
		}
		if _, err := c.QueryContext(testContext(t), "SELECT 1", nil); !errors.Is(err, driver.ErrBadConn) { //nolint:gocritic // there are no rows
			t.Errorf("on a session that is lost: %v", err)
		}
	})
}

func TestZeroRoute(t *testing.T) {
	for name, ex := range map[string]tnt.Executor{"a zero Route": tnt.Route{}, "nil": nil, "a nil Conn": (*tnt.Conn)(nil), "a nil Answer": tnt.Answer(nil), "a stream of nothing": tnt.NewStream(nil)} {
		ctx := testContext(t)
		if err := tnt.Exec(ctx, ex, tnt.Ping{}); err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("%s: do: %v", name, err)
		}
		if _, err := tnt.Go(ctx, ex, tnt.Ping{}).Wait(ctx); err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("%s: go: %v", name, err)
		}
		for _, r := range tnt.Batch(ctx, ex, tnt.Ping{}) {
			if r.Err == nil || !tnt.SafeToRetry(r.Err) {
				t.Errorf("%s: batch: %v", name, r.Err)
			}
		}
		for _, err := range tnt.Each[int](ctx, ex, []tnt.Ping{{}}) {
			if err == nil {
				t.Errorf("%s: each", name)
			}
		}
		if _, err := tnt.Pin(ctx, ex); err == nil {
			t.Errorf("%s: pinned", name)
		}
		for _, err := range tnt.Scan(ctx, ex, tnt.Select{SpaceID: 512}, 0) {
			if err == nil {
				t.Errorf("%s: scanned", name)
			}
		}
		if err := tnt.InTx(ctx, ex, func(*tnt.Stream) error { return nil }); err == nil {
			t.Errorf("%s: a transaction", name)
		}
	}
}
