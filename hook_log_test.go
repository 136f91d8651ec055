package tnt_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestLogHookSlowRequests has requests be logged that take long, and neither
// others nor what they hold.
func TestLogHookSlowRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start()
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		srv.Handle("quick", func(*tnttest.Call) ([]any, error) { return []any{1}, nil })
		srv.Handle("slow", func(*tnttest.Call) ([]any, error) {
			time.Sleep(time.Second)
			return []any{1, 2}, nil
		})
		srv.Handle("fails", func(*tnttest.Call) ([]any, error) {
			time.Sleep(time.Second)
			return nil, errors.New("the secret of the server")
		})
		var log bytes.Buffer
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{
			Dialer: srv.DialContext, PingInterval: tnt.Never,
			Hooks: []tnt.Hook{tnt.LogHook(slog.New(slog.NewTextHandler(&log, nil)), tnt.LogOptions{Slow: time.Second})},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		_, _ = conn.Call(ctx, "quick", "secret")
		_, _ = conn.Call(ctx, "slow", "secret")
		_, _ = conn.Call(ctx, "fails", "secret")
		srv.Inject(tnttest.Fault{On: iproto.TypeExecute, Delay: time.Second})
		_, _ = conn.Execute(ctx, "SELECT 'secret'")
		disconnect(t, conn)

		lines := slowLines(log.String())
		want := []string{
			`request="CALL slow" duration=1s rows=2 failed=false`,
			`request="CALL fails" duration=1s rows=0 failed=true`,
			`request=EXECUTE duration=1s rows=0 failed=true`,
		}
		if len(lines) != len(want) {
			t.Fatalf("%d lines of slow requests, want %d:\n%s", len(lines), len(want), &log)
		}
		for i, line := range lines {
			if !strings.Contains(line, want[i]) || !strings.Contains(line, "level=WARN") {
				t.Errorf("the line is %s, want one with %s", line, want[i])
			}
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("logged:\n%s", &log)
		}
	})
}

func slowLines(log string) (lines []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "slow request") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestLogHookSumsUpBursts has many late answers make few lines that count all
// of them.
func TestLogHookSumsUpBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		hook := tnt.LogHook(slog.New(slog.NewTextHandler(&log, nil)))
		conn, err := tnt.New(tnt.Options{Hooks: []tnt.Hook{hook}})
		if err != nil {
			t.Fatal(err)
		}
		late := func(n int) {
			for range n {
				hook.(tnt.LateHook).OnLate(conn, 7)
			}
		}
		late(1000)                   // a line for the first, and one after 10 s for the rest
		time.Sleep(9 * time.Second)  // which is not yet
		late(1)                      // so this one is in it
		time.Sleep(2 * time.Second)  // it is told now
		late(5)                      // and these 10 s later
		time.Sleep(20 * time.Second) // nothing more is counted
		late(1)                      // at once
		synctest.Wait()

		var counts []string
		for line := range strings.Lines(log.String()) {
			_, count, _ := strings.Cut(line, "count=")
			count, _, _ = strings.Cut(count, " ")
			counts = append(counts, count)
		}
		if got, want := fmt.Sprint(counts), "[1 1000 5 1]"; got != want {
			t.Errorf("lines of %s, want %s:\n%s", got, want, &log)
		}
	})
}

// TestLogHookSumsUpSlowRequests has a server that is slow for all make few lines.
func TestLogHookSumsUpSlowRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		hook := tnt.LogHook(slog.New(slog.NewTextHandler(&log, nil)), tnt.LogOptions{Slow: time.Second})
		conn, err := tnt.New(tnt.Options{Hooks: []tnt.Hook{hook}})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			hook.(tnt.RequestEndHook).OnRequestEnd(t.Context(), conn, tnt.RequestInfo{Type: iproto.TypePing}, tnt.RequestEnd{Duration: time.Second})
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		alone, together := len(slowLines(log.String()))-2, strings.Contains(log.String(), "more slow requests") && strings.Contains(log.String(), "count=89")
		if alone != 10 || !together {
			t.Errorf("%d lines of their own, the rest together: %t:\n%s", alone, together, &log)
		}
	})
}
