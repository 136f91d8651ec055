package tnttest_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt/tnttest"
)

// On sockets a member gets its address back.
func TestReplicaSetOnSockets(t *testing.T) {
	dir := t.TempDir()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			rs, err := tnttest.StartReplicaSet(3, membersSpace, tnttest.WithElectionDelay(20*time.Millisecond))
			must(t, err)
			t.Cleanup(func() { must(t, rs.Close()) })
			address := "127.0.0.1:0"
			if network == "unix" {
				address = dir
			}
			must(t, rs.Listen(network, address))
			before := rs.Addrs()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			must(t, rs.Kill(0))
			if _, err := netDial(network, before[0]); err == nil {
				t.Error("a killed member takes connections")
			}
			if leader, err := rs.WaitLeader(ctx); leader != 1 || err != nil {
				t.Fatalf("the leader is %d, %v", leader, err)
			}
			must(t, rs.Restart(0))
			must(t, rs.Freeze(0))
			nc, err := netDial(network, before[0]) // it accepts, and does not greet
			must(t, err)
			must(t, nc.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
			if n, err := nc.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a frozen member sent %d bytes, %v", n, err)
			}
			must(t, rs.Thaw(0))
			must(t, nc.SetReadDeadline(time.Now().Add(5*time.Second)))
			if _, err := nc.Read(make([]byte, 1)); err != nil {
				t.Errorf("a thawed member does not greet: %v", err)
			}
			_ = nc.Close()
			if after := rs.Addrs(); strings.Join(after, " ") != strings.Join(before, " ") {
				t.Errorf("the addresses were %v and are %v", before, after)
			}
		})
	}
}

// A replica set goes by the clock that it is given.
func TestReplicaSetByClock(t *testing.T) {
	clock := tnttest.NewManualClock(time.Unix(0, 0))
	rs := tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), tnttest.WithClock(clock), tnttest.WithElectionDelay(time.Hour))
	must(t, rs.Kill(0))
	clock.Advance(time.Hour - 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if leader, err := rs.WaitLeader(ctx); err == nil {
		t.Errorf("%d leads before the time", leader)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for rs.Leader() < 0 && ctx.Err() == nil {
			clock.Advance(time.Millisecond)
			runtime.Gosched()
		}
	}()
	if leader, err := rs.WaitLeader(ctx); leader != 1 || err != nil {
		t.Errorf("the leader is %d, %v", leader, err)
	}
	<-done
}
