package queuetest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The fake answers as the module did, request by request.
func TestRecorded(t *testing.T) {
	lines := recordedtest.Load(t, "../../queue/testdata/queue-3.8.jsonl", 232)
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory())
		fake := queuetest.Attach(srv)
		for _, kind := range []string{"made", "fifo", "fifottl", "utube", "utubettl"} {
			name := kind
			if kind == "made" {
				kind = "fifo"
			}
			fake.Create(name, kind)
		}
		fake.CreateLimited("limfifottl", 3)
		conns := make(map[string]*tnt.Conn)
		defer func() {
			for _, conn := range conns {
				conn.Close()
			}
		}()
		compared := 0
		for _, l := range lines {
			if !strings.HasPrefix(l.Function, "queue.tube.") || strings.Contains(l.Case, "session:") || strings.Contains(l.Case, "gone") ||
				strings.Contains(l.Case, "two connections") || strings.Contains(l.Case, "waiting take") {
				continue // sessions that were cut: see package queue's own tests
			}
			if strings.Contains(l.Case, "read only") {
				break
			}
			if strings.Contains(l.Case, "has passed: peek") {
				time.Sleep(300 * time.Millisecond)
			}
			conn := conns[l.Conn]
			if conn == nil {
				var err error
				if conn, err = tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: srv.DialContext}); err != nil {
					t.Fatal(err)
				}
				conns[l.Conn] = conn
			}
			if l.Case == "utubettl ttr" && strings.HasSuffix(l.Function, "put") { // which was emptied unrecorded
				if _, err := conn.Call(t.Context(), "queue.tube.utubettl:truncate"); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, conn, l)
			compared++
		}
		if compared < 150 {
			t.Errorf("%d lines were compared", compared)
		}
	})
}

func compare(t *testing.T, conn *tnt.Conn, l recordedtest.Line) {
	t.Helper()
	resp, err := conn.Do(t.Context(), tnt.Call{Function: l.Function, Args: l.Arguments(t)})
	want, raised := l.Values()
	if raised != nil {
		var e *tnt.Error
		last := func(s string) string { return s[strings.LastIndex(s, ":")+1:] }
		if !errors.As(err, &e) || e.Code != raised.Code ||
			raised.Code == 32 && last(e.Message) != last(raised.Message) && !strings.Contains(raised.Message, "'void *'") {
			t.Errorf("line %d, %s: got error %v, want %v", l.N, l.Case, err, raised)
		}
		return
	}
	if err != nil {
		t.Errorf("line %d, %s: %v", l.N, l.Case, err)
		return
	}
	got, err := resp.Data()
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("line %d, %s: got %v, %v, want %v", l.N, l.Case, got, err, want)
	}
}
