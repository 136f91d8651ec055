package tnt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestBeginIsSentAsAsked has the level of isolation, and the timeout, reach the
// server as they were asked for.
func TestBeginIsSentAsAsked(t *testing.T) {
	srv := tnttest.Run(t)
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	for _, test := range []struct {
		begin   tnt.Begin
		level   any
		timeout any
	}{
		{tnt.Begin{Isolation: tnt.DefaultIsolation}, nil, nil},
		{tnt.Begin{Isolation: tnt.ReadCommitted}, uint64(1), nil},
		{tnt.Begin{Isolation: tnt.ReadConfirmed}, uint64(2), nil},
		{tnt.Begin{Isolation: tnt.BestEffort}, uint64(3), nil},
		{tnt.Begin{Isolation: tnt.Linearizable}, uint64(4), nil},
		{tnt.Begin{Timeout: 1500 * time.Millisecond}, nil, 1.5},
		{tnt.Begin{Timeout: tnt.Never}, nil, 100 * 365 * 86400.0},
	} {
		_ = conn.Stream().Begin(testContext(t), test.begin)
		var last tnttest.Request // the last BEGIN; the session's subscriptions come when they come
		for _, request := range srv.Requests() {
			if request.Type == iproto.TypeBegin {
				last = request
			}
		}
		level, timeout := last.Body["TXN_ISOLATION"], last.Body["TIMEOUT"]
		if last.Type != iproto.TypeBegin || fmt.Sprint(level) != fmt.Sprint(test.level) || !reflect.DeepEqual(timeout, test.timeout) {
			t.Errorf("%+v was sent as %v", test.begin, last)
		}
	}
	if err := conn.Stream().Begin(testContext(t), tnt.Begin{Timeout: -5}); err == nil || !tnt.SafeToRetry(err) {
		t.Errorf("a negative timeout: %v", err)
	}
}

// TestBeginOnServers has the real server say which level it got, and hold a
// transaction without a timeout longer than its own.
func TestBeginOnServers(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address})
		lua(t, conn, "box.cfg{txn_timeout = 0.05}")
		short, long := conn.Stream(), conn.Stream()
		if err := errors.Join(short.Begin(testContext(t)), long.Begin(testContext(t), tnt.Begin{Timeout: tnt.Never})); err != nil {
			t.Fatal(err)
		}
		lua(t, conn, "require('fiber').sleep(0.15)")
		if err := short.Commit(testContext(t)); !errors.Is(err, errcode.TransactionTimeout) {
			t.Errorf("by the server's timeout: %v", err)
		}
		if _, err := long.Replace(testContext(t), "tester", []any{1, "x"}); err != nil {
			t.Errorf("without a timeout: %v", err)
		}
		if err := long.Commit(testContext(t)); err != nil {
			t.Errorf("without a timeout: %v", err)
		}
		for level := tnt.DefaultIsolation; level <= tnt.Linearizable; level++ {
			err := tnt.InTx(testContext(t), conn, func(s *tnt.Stream) error {
				_, err := s.Select(testContext(t), "tester", tnt.K(1))
				return err
			}, tnt.Begin{Isolation: level})
			if linearizable := level == tnt.Linearizable; (err != nil) != linearizable {
				t.Errorf("level %d: %v", level, err) // the server is not configured for the last one
			}
		}
		if err := conn.Stream().Begin(testContext(t), tnt.Begin{Isolation: 9}); err == nil {
			t.Error("a level that there is not: no error")
		}
	})
}

// TestURLWithASpaceInItsPath leads to the socket.
func TestURLWithASpaceInItsPath(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s, err := tarantool.StartUnix(p.Path, setup)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		dir, err := os.MkdirTemp("", "a b")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		link := filepath.Join(dir, "x y.sock")
		if err := os.Symlink(s.Address, link); err != nil {
			t.Fatal(err)
		}
		quoted := strings.ReplaceAll(link, " ", "%20")
		for _, url := range []string{"tarantool://" + quoted, "unix://" + quoted, "tarantool://alice:s3cret@" + quoted, link, "unix:" + link, "unix/:" + link} {
			conn, err := tnt.Connect(testContext(t), url)
			if err != nil {
				t.Errorf("%s: %v", url, err)
				continue
			}
			disconnect(t, conn)
		}
	})
}

func TestConnectToNothing(t *testing.T) {
	for _, url := range []string{"", "  ", "\n"} {
		if _, err := tnt.Connect(testContext(t), url); err == nil || !strings.Contains(err.Error(), "empty") || strings.Count(err.Error(), "tnt:") != 1 {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// TestErrorCodesOfServers has a name for each code that a server has one for.
func TestErrorCodesOfServers(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		type code struct {
			Name string
			Code uint32
		}
		codes, err := tnt.All[code](testContext(t), shared(t, p), tnt.Eval{Expr: `
			local t = {}
			for name, number in pairs(box.error) do
				if type(number) == 'number' then table.insert(t, {name, number}) end
			end
			return unpack(t)`})
		if err != nil || len(codes) < 150 {
			t.Fatalf("%d codes, %v", len(codes), err)
		}
		for _, c := range codes {
			switch name := errcode.Code(c.Code).String(); {
			case !strings.HasPrefix(name, "ER_"):
				t.Errorf("%d, %s there, has no name here: %s", c.Code, c.Name, name)
			case name != "ER_"+c.Name && p.Version.AtLeast(3, 8, 0) && !strings.HasPrefix(c.Name, "UNUSED"):
				t.Errorf("%d is %s here, and ER_%s there", c.Code, name, c.Name)
			}
		}
	})
}
