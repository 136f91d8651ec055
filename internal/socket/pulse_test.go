//go:build unix

package socket

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		time.Sleep(time.Minute)
		expect := func(when string, want bool) {
			t.Helper()
			synctest.Wait()
			if got := p.beats(); got != want {
				t.Errorf("%s it beats: %v", when, got)
			}
		}
		start := func(when string) {
			t.Helper()
			for range pulseStart {
				expect(when, false)
			}
		}
		start("before it has begun")
		expect("after that", true)
		for range 5 {
			time.Sleep(pulsePause)
			expect("while it is used", true)
		}
		time.Sleep(2 * pulsePause)
		start("after two beats without use")
		expect("when it has begun again", true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.beating.Load() {
			t.Error("it beats for ever")
		}
		for range 5 * pulseStart {
			expect("where there are few calls", false)
			time.Sleep(pulsePause / (pulseStart - 2))
		}
	})
}

func TestNotQuickInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, peer := socketPair(t)
		defer mine.Close()
		defer peer.Close() //nolint:errcheck // nothing was written to it
		if Of(mine).quick {
			t.Error("the scheduler is not told of calls though the pulse can't beat")
		}
	})
	mine, peer := socketPair(t)
	defer mine.Close()
	defer peer.Close() //nolint:errcheck // nothing was written to it
	if Of(mine).quick != (quickMost > 0) {
		t.Error("outside of a bubble it is no better")
	}
}

// TestMonitorIsAwake has answers come to an idle process, as from a server, and
// then keeps its only processor busy: another goroutine must soon get its turn,
// which it does by the scheduler's monitor alone. The monitor sleeps for up to a
// minute where nothing wakes it. It has had time to do so before the first one.
func TestMonitorIsAwake(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const answers = 50
	mine, peer := socketPair(t)
	defer mine.Close()
	// The peer is another process: one in this would wake the monitor.
	child := exec.CommandContext(t.Context(), "sh", "-c", `sleep 0.2; i=0; while [ $i -lt 50 ]; do sleep 0.002; printf x; i=$((i+1)); done`)
	child.Stdout = peer
	if err := child.Start(); err != nil {
		t.Skipf("no shell to write to the socket: %v", err)
	}
	if err := peer.Close(); err != nil {
		t.Fatal(err)
	}
	s := Of(mine)
	for n := 0; n < answers; {
		got, err := s.Read(make([]byte, answers))
		if err != nil {
			t.Fatal(err)
		}
		n += got
	}
	var ran atomic.Bool
	go ran.Store(true)
	for start := time.Now(); !ran.Load(); {
		if time.Since(start) > 5*time.Second {
			t.Fatal("nobody has ended the turn of a goroutine that ran for five seconds")
		}
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}

// socketPair returns one end of a connection, and the other for a child process.
func socketPair(t *testing.T) (mine net.Conn, peer *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if mine, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if peer, err = other.(*net.TCPConn).File(); err != nil {
		t.Fatal(err)
	}
	return mine, peer
}
