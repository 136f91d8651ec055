//go:build unix

package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onSockets runs a test on both ends of a connection of each kind. The second
// end is read and written by package net.
func onSockets(t *testing.T, test func(t *testing.T, s *Socket, mine, peer net.Conn)) {
	t.Helper()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			l, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			mine, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer mine.Close()
			peer, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			s := Of(mine)
			if s == nil {
				t.Fatalf("%T is no socket", mine)
			}
			test(t, s, mine, peer)
		})
	}
}

// TestBytesArrive writes and reads more than the kernel's buffers and one quick
// call take, with the pulse beating and not.
func TestBytesArrive(t *testing.T) {
	onSockets(t, func(t *testing.T, s *Socket, _, peer net.Conn) {
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
		echoed := make(chan error, 1)
		go func() {
			_, err := io.CopyN(peer, peer, int64(len(sent)))
			echoed <- err
		}()
		got := make([]byte, 0, len(sent))
		buf := make([]byte, 256<<10)
		for written := 0; len(got) < len(sent); {
			for written < len(sent) {
				n, err := s.TryWrite(sent[written:min(len(sent), written+100<<10)])
				if err != nil {
					t.Fatal(err)
				}
				if written += n; n == 0 {
					break // the kernel takes no more before something is read
				}
			}
			n, err := s.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, buf[:n]...)
		}
		if !bytes.Equal(got, sent) {
			t.Error("what came back is not what was sent")
		}
		if err := <-echoed; err != nil {
			t.Error(err)
		}
	})
}

// TestWriteWaits writes what the kernel does not take at once, while the other
// direction is read.
func TestWriteWaits(t *testing.T) {
	onSockets(t, func(t *testing.T, s *Socket, _, peer net.Conn) {
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
		written := make(chan error, 1)
		go func() {
			n, err := s.Write(sent)
			if n != len(sent) && err == nil {
				err = io.ErrShortWrite
			}
			written <- err
		}()
		echoed := make(chan error, 1)
		go func() {
			_, err := io.CopyN(peer, peer, int64(len(sent)))
			echoed <- err
		}()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(s, got); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(<-written, <-echoed); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(got, sent) || s.long.Load() {
			t.Error("what came back is not what was sent, or the write goes on")
		}
	})
}

func TestTryWriteDoesNotWait(t *testing.T) {
	onSockets(t, func(t *testing.T, s *Socket, _, _ net.Conn) {
		block := make([]byte, 32<<10)
		for total := 0; ; {
			n, err := s.TryWrite(block)
			if err != nil {
				t.Fatal(err)
			}
			if total += n; n == 0 {
				return
			}
			if total > 1<<30 {
				t.Fatal("a peer that reads nothing took a gigabyte")
			}
		}
	})
}

// TestErrors holds the ends of a connection against what package net says of
// them.
func TestErrors(t *testing.T) {
	onSockets(t, func(t *testing.T, s *Socket, mine, peer net.Conn) {
		buf := make([]byte, 16)
		check := func(when string, want error, call func([]byte) (int, error), net func([]byte) (int, error)) {
			t.Helper()
			n, err := call(buf)
			_, netErr := net(buf)
			if n != 0 || !errors.Is(err, want) || err.Error() != netErr.Error() {
				t.Errorf("%s: %d, %v; and by package net %v", when, n, err, netErr)
			}
		}
		mine.SetReadDeadline(time.Unix(1, 0))
		check("past the deadline", os.ErrDeadlineExceeded, s.Read, mine.Read)
		if n, err := s.Read(nil); n != 0 || err != nil {
			t.Errorf("nothing is to be read: %d, %v", n, err)
		}
		mine.SetReadDeadline(time.Time{})
		peer.Close()
		check("the peer closed", io.EOF, s.Read, mine.Read)
		var err error
		for range 1000 { // the first write may come before the peer's refusal
			if _, err = s.TryWrite(buf); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("writing to a peer that closed: %v", err)
		}
		check("writing once more", syscall.EPIPE, s.TryWrite, mine.Write)
		mine.Close()
		check("reading what is closed", net.ErrClosed, s.Read, mine.Read)
		check("writing what is closed", net.ErrClosed, s.TryWrite, mine.Write)
	})
}

// TestReset has the peer end the connection with data unread.
func TestReset(t *testing.T) {
	onSockets(t, func(t *testing.T, s *Socket, _, peer net.Conn) {
		if _, err := s.TryWrite([]byte("unread")); err != nil {
			t.Fatal(err)
		}
		if tcp, ok := peer.(*net.TCPConn); ok {
			if err := tcp.SetLinger(0); err != nil {
				t.Fatal(err)
			}
		}
		peer.Close()
		_, err := s.Read(make([]byte, 16))
		if !errors.Is(err, syscall.ECONNRESET) || !strings.Contains(err.Error(), "read: connection reset by peer") {
			t.Errorf("got %v", err)
		}
	})
}

// TestBlockingSocket has somebody else, as by File, make the socket one whose
// reads wait in the kernel.
func TestBlockingSocket(t *testing.T) {
	if quickMost == 0 {
		t.Skip("the calls of package syscall wait in a blocking socket, as those of package net do")
	}
	onSockets(t, func(t *testing.T, s *Socket, mine, _ net.Conn) {
		file, err := mine.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close() //nolint:errcheck // a copy that nothing was done with
		if err := syscall.SetNonblock(int(file.Fd()), false); err != nil {
			t.Fatal(err)
		}
		for range 2 { // not quick, quick
			mine.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		block := make([]byte, 32<<10)
		for n := 1; n > 0; {
			if n, err = s.TryWrite(block); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNoSocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if Of(a) != nil {
		t.Error("a pipe in memory is a socket")
	}
}

func TestNoAllocations(t *testing.T) {
	onSockets(t, func(t *testing.T, s *Socket, _, peer net.Conn) {
		buf := make([]byte, 16)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := s.TryWrite(buf); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(peer, buf); err != nil {
				t.Fatal(err)
			}
			if _, err := peer.Write(buf); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Read(buf); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
