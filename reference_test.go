package tnt_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// The tests of docs/reference-map.md whose members have no other test that looks at
// nothing else.

func TestReferencePage(t *testing.T) {
	text, err := os.ReadFile("docs/reference-map.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := namesOfTests(t)
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || len(cells) < 3 {
			continue
		}
		last := strings.TrimSpace(cells[len(cells)-1])
		if last == "tested in" || last == "none needed" {
			continue
		}
		rows++
		for _, test := range strings.Split(last, ",") {
			if test = strings.TrimSpace(test); !tests[test] {
				t.Errorf("%s names %q, which is no test", strings.TrimSpace(cells[0]), test)
			}
		}
	}
	if rows < 100 {
		t.Errorf("%d rows", rows)
	}
}

func TestReferenceStates(t *testing.T) {
	want := map[tnt.State]string{1: "Connecting", 2: "Connected", 3: "Reconnecting", 4: "Disconnecting", 5: "Disconnected"}
	numbers := map[tnt.State]int{tnt.Connecting: 1, tnt.Connected: 2, tnt.Reconnecting: 3, tnt.Disconnecting: 4, tnt.Disconnected: 5}
	for state, number := range numbers {
		if int(state) != number || state.String() != want[state] {
			t.Errorf("state %d is %v, number %d", number, state, int(state))
		}
	}
	if s := tnt.State(9).String(); s != "State(9)" {
		t.Error(s)
	}
	inBubble(t, tnt.Options{}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
		time.Sleep(time.Minute)
		if conn.State() != tnt.Connected || !conn.IsConnected() {
			t.Errorf("up: %v", conn.State())
		}
		s.leave()
		synctest.Wait()
		if conn.State() != tnt.Reconnecting || conn.IsConnected() {
			t.Errorf("away: %v", conn.State())
		}
		gate := make(chan struct{})
		other, err := tnt.New(tnt.Options{Dialer: func(context.Context, string, string) (net.Conn, error) { <-gate; return nil, errAway }})
		if err != nil {
			t.Fatal(err)
		}
		other.Start()
		synctest.Wait()
		if other.State() != tnt.Connecting || other.IsConnected() || !strings.Contains(other.String(), "Connecting") {
			t.Errorf("while it connects: %v", other)
		}
		close(gate)
		_ = other.Disconnect(t.Context())
		if other.State() != tnt.Disconnected || other.IsConnected() {
			t.Errorf("at the end: %v", other)
		}
	})
}

func TestReferenceOptions(t *testing.T) {
	opts := tnt.Options{
		Address: "db.example:3302", User: "ann", Password: "s3cret", NoSchema: true, NoSchemaRefetch: true, Encoding: charmap.Windows1251,
		ReconnectInterval: 2 * time.Second, ConnectTimeout: 4 * time.Second, RequestTimeout: 5 * time.Second, PingInterval: 6 * time.Second, ReadBuffer: 777,
	}
	conn, err := tnt.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	got := conn.Options()
	for name, same := range map[string]bool{
		"Address": got.Address == opts.Address, "User": got.User == opts.User, "Password": got.Password == opts.Password, "NoSchema": got.NoSchema,
		"NoSchemaRefetch": got.NoSchemaRefetch, "Encoding": got.Encoding == opts.Encoding, "ReconnectInterval": got.ReconnectInterval == opts.ReconnectInterval,
		"ConnectTimeout": got.ConnectTimeout == opts.ConnectTimeout, "RequestTimeout": got.RequestTimeout == opts.RequestTimeout,
		"PingInterval": got.PingInterval == opts.PingInterval, "ReadBuffer": got.ReadBuffer == opts.ReadBuffer,
		"Host": conn.Host() == "db.example", "Port": conn.Port() == "3302", "Fingerprint": conn.Fingerprint() == "tarantool(ann@db.example:3302)",
		"String": conn.String() == "tnt.Conn(ann@db.example:3302, Disconnected)",
	} {
		if !same {
			t.Errorf("%s is not what was asked for: %+v, %v", name, got, conn)
		}
	}
	parsed, err := tnt.ParseURL("tarantool://ann:p%40ss@db.example:3302?connect_timeout=4s&reconnect_interval=never&no_schema=true")
	if err != nil || parsed.Address != "db.example:3302" || parsed.User != "ann" || parsed.Password != "p@ss" || parsed.ConnectTimeout != 4*time.Second ||
		parsed.ReconnectInterval != tnt.Never || !parsed.NoSchema {
		t.Errorf("a URL: %#v, %v", parsed, err)
	}
}

// TestReferenceTimes has the durations of the options do what they say.
func TestReferenceTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		dials := 0
		hangs := func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials++; network != "tcp" || address != "db.example:3302" {
				t.Errorf("dialled %s %s", network, address)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		_, err = tnt.ConnectOptions(t.Context(), tnt.Options{Address: "db.example:3302", Dialer: hangs, ConnectTimeout: 1234 * time.Millisecond, ConnectOnce: true})
		if err == nil || time.Since(began) != 1234*time.Millisecond || dials != 1 {
			t.Errorf("ConnectTimeout: %v after %v, dialled %d times", err, time.Since(began), dials)
		}
		began = time.Now()
		refuses := func(context.Context, string, string) (net.Conn, error) { return nil, errAway }
		if _, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: refuses, ReconnectInterval: tnt.Never}); !errors.Is(err, errAway) || time.Since(began) != 0 {
			t.Errorf("ReconnectInterval Never: %v after %v", err, time.Since(began))
		}
		for interval, want := range map[time.Duration]int{7 * time.Second: 8, tnt.Never: 0, 0: 12} {
			conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: srv.DialContext, PingInterval: interval})
			if err != nil {
				t.Fatal(err)
			}
			before := srv.Counters().Requests[iproto.TypePing]
			time.Sleep(time.Minute + time.Second)
			if got := int(srv.Counters().Requests[iproto.TypePing] - before); got != want {
				t.Errorf("PingInterval %v: %d pings in a minute, want %d", interval, got, want)
			}
			_ = conn.Disconnect(t.Context())
		}
	})
}

// TestReferenceLog has LogHook tell of a loss, with its reason.
func TestReferenceLog(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	write := writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(b)
	})
	inBubble(t, tnt.Options{Hooks: []tnt.Hook{tnt.LogHook(slog.New(slog.NewTextHandler(write, nil)))}}, func(t *testing.T, s *bubbleServer, _ *tnt.Conn) {
		time.Sleep(time.Minute)
		mu.Lock()
		up := log.String()
		log.Reset()
		mu.Unlock()
		s.leave()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if lost := log.String(); !strings.Contains(up, "connected") || !strings.Contains(lost, "lost") || !strings.Contains(lost, "closed") {
			t.Errorf("of the begin: %q; of the loss: %q", up, lost)
		}
	})
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestReferenceRequests does each request by its method.
func TestReferenceRequests(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		row := func(what string, tuple tnt.Tuple, err error, want ...any) {
			t.Helper()
			values, err2 := tuple.Values()
			if err != nil || err2 != nil || !slices.EqualFunc(values, want, func(a, b any) bool { return a == b }) {
				t.Errorf("%s: %v, %v, %v; want %v", what, values, err, err2, want)
			}
		}
		tuple, err := conn.Insert(ctx, "tester", []any{1, "a", 10})
		row("Insert", tuple, err, int64(1), "a", int64(10))
		tuple, err = conn.Replace(ctx, "tester", []any{1, "b", 20})
		row("Replace", tuple, err, int64(1), "b", int64(20))
		tuple, err = conn.Update(ctx, "tester", tnt.K(1), tnt.OpAdd("age", 1))
		row("Update", tuple, err, int64(1), "b", int64(21))
		if err := conn.Upsert(ctx, "tester", []any{1, "c", 5}, tnt.OpAdd("age", 5)); err != nil {
			t.Errorf("Upsert: %v", err)
		}
		tuples, err := conn.Select(ctx, "tester", tnt.K(1))
		if len(tuples) != 1 {
			t.Fatalf("Select: %v, %v", tuples, err)
		}
		row("Select", tuples[0], err, int64(1), "b", int64(26))
		resp, err := conn.Do(ctx, tnt.Select{Space: "tester"})
		if err != nil || resp.Len() != 1 {
			t.Errorf("Do: %d rows, %v", resp.Len(), err)
		}
		all, err := tnt.All[[]any](ctx, conn, tnt.Select{Space: "tester"})
		if err != nil || len(all) != 1 || all[0][1] != "b" {
			t.Errorf("All: %v, %v", all, err)
		}
		f := conn.Go(ctx, tnt.Call{Function: "hold"})
		if err := conn.Ping(ctx); err != nil {
			t.Errorf("Ping: %v", err)
		}
		select {
		case <-f.Done():
			t.Error("Done of a request under way")
		default:
		}
		other := shared2(t, p)
		eventually(t, "it is done", func() bool {
			_, _ = other.Call(ctx, "release")
			select {
			case <-f.Done():
				return true
			default:
				return false
			}
		})
		tuple, err = conn.Delete(ctx, "tester", tnt.K(1))
		row("Delete", tuple, err, int64(1), "b", int64(26))
		for what, call := range map[string]func() (tnt.Response, error){
			"Call":    func() (tnt.Response, error) { return conn.Call(ctx, "echo", 7) },
			"Call16":  func() (tnt.Response, error) { return conn.Call16(ctx, "echo", []any{7}) },
			"Eval":    func() (tnt.Response, error) { return conn.Eval(ctx, "return ...", 7) },
			"Execute": func() (tnt.Response, error) { return conn.Execute(ctx, "SELECT 7") },
		} {
			resp, err := call()
			data, _ := resp.Data()
			if err != nil || len(data) != 1 || data[0] != int64(7) && data[0].([]any)[0] != int64(7) {
				t.Errorf("%s: %v, %v", what, data, err)
			}
		}
	})
}

// shared2 is another connection, and leaves the spaces as they are.
func shared2(t *testing.T, p *program) *tnt.Conn {
	t.Helper()
	return connect(t, tnt.Options{Address: p.shared.Address})
}

// TestReferenceStream undoes what is rolled back, and keeps what is committed.
func TestReferenceStream(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		for _, commit := range []bool{false, true} {
			s := conn.Stream()
			if err := s.Begin(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Insert(ctx, "tester", []any{1, "x"}); err != nil {
				t.Fatal(err)
			}
			want := ints(0)
			var err error
			if commit {
				want, err = ints(1), s.Commit(ctx)
			} else {
				err = s.Rollback(ctx)
			}
			if err != nil {
				t.Error(err)
			}
			equal(t, "tuples", lua(t, conn, "return box.space.tester:len()"), want)
			if err := s.Begin(ctx); err != nil {
				t.Errorf("the stream is still in its transaction: %v", err)
			}
			if err := s.Rollback(ctx); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestReferenceSchema looks at each field of what the schema has.
func TestReferenceSchema(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		space := conn.Schema().Space("tester")
		want, err := tnt.One[struct {
			ID     uint32
			Owner  uint32
			Engine string
			Index  uint32
		}](testContext(t), conn, tnt.Eval{Expr: "local s = box.space.tester return {s.id, box.space._space:get(s.id)[2], s.engine, s.index.name_id.id}"})
		if err != nil {
			t.Fatal(err)
		}
		if space.ID != want.ID || space.Owner != want.Owner || want.Owner == 0 || space.Engine != want.Engine || space.Index("name_id").ID != want.Index {
			t.Errorf("the space is %+v, want %+v", space, want)
		}
		for i, name := range []string{"id", "name", "age", "extra"} {
			if at, ok := space.Format.Index(name); !ok || at != i {
				t.Errorf("field %q is number %d, %v", name, at, ok)
			}
		}
		if _, ok := space.Format.Index("nothing"); ok {
			t.Error("a field that is not there")
		}
		tuple, err := conn.Insert(testContext(t), "tester", []any{1, "x", 5})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"id", "name", "age"} {
			if !strings.Contains(tuple.String(), name) {
				t.Errorf("%v does not show %q", tuple, name)
			}
		}
		if slices.Compare(space.Format.Names(), []string{"id", "name", "age", "extra"}) != 0 {
			t.Errorf("names %v", space.Format.Names())
		}
		var none *schema.Format
		if _, ok := none.Index("id"); ok {
			t.Error("a format that is not there has a field")
		}
	})
}

// TestReferenceErrors looks at each field of an error.
func TestReferenceErrors(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		_, err := shared(t, p).Eval(testContext(t), "require('fio') local _, e = require('errno')(2) box.error.new({code = 12345, reason = 'mine'}):raise()")
		var e *tnt.Error
		if !errors.As(err, &e) || e.Code != 12345 || e.Message != "mine" || e.Type != "ClientError" || e.File == "" || e.Line == 0 {
			t.Errorf("the error is %#v", e)
		}
		if !errors.Is(err, errcode.Code(12345)) {
			t.Error("it is not found by its code")
		}
		sent := &types.Error{Type: "SystemError", File: "a.c", Line: 7, Message: "no", Errno: 2, Code: 9, Fields: map[string]any{"k": "v"}}
		got, err := tnt.One[*types.Error](testContext(t), tnt.Answer(func(context.Context, tnt.Request) (tnt.Response, error) { return tnt.NewResponse(sent) }), tnt.Ping{})
		if err != nil || got.Errno != 2 || got.File != "a.c" || got.Line != 7 || got.Code != 9 || got.Fields["k"] != "v" || got.Message != "no" || got.Type != "SystemError" {
			t.Errorf("as a value: %#v, %v", got, err)
		}
	})
}

// TestReferenceFeatures asks the server for what it offers.
func TestReferenceFeatures(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		f := shared(t, p).Features()
		for _, feature := range []iproto.Feature{iproto.FeatureStreams, iproto.FeatureTransactions, iproto.FeatureErrorExtension, iproto.FeatureWatchers} {
			if f.Has(feature) != p.Version.AtLeast(2, 10, 0) {
				t.Errorf("%v: %v", feature, f.Has(feature))
			}
		}
		if f.Has(iproto.FeaturePagination) != p.Version.AtLeast(2, 11, 0) || f.Has(iproto.FeatureWatchOnce) != p.Version.AtLeast(3, 0, 0) {
			t.Errorf("the features are %v", f)
		}
	})
	var calls atomic.Int64
	conn := connect(t, tnt.Options{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		calls.Add(1)
		return tnttest.Run(t, tnttest.InMemory(), tnttest.WithoutFeatures("streams")).Dial(ctx)
	}})
	if conn.Features().Has(iproto.FeatureStreams) || !conn.Features().Has(iproto.FeatureWatchers) || calls.Load() != 1 {
		t.Errorf("the features are %v, it was dialled %d times", conn.Features(), calls.Load())
	}
}
