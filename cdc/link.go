package cdc

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// A link is a connection to a server, after the handshake. One goroutine reads
// it; others may write.
type link struct {
	net.Conn
	greeting wire.Greeting
	opts     *tnt.Options

	in       *bufio.Reader
	maxFrame int
	patience time.Duration
	wmu      sync.Mutex // held while a frame is written
	sync     uint64
}

// firstPiece is how many bytes are allocated for a frame before any have come.
const firstPiece = 64 << 10

// writeTimeout bounds the writing of a frame: those sent here are small, and
// a server that takes none is gone.
const writeTimeout = 10 * time.Second

// open connects, reads the greeting and authenticates, as long as ctx and the
// options allow. patience is how long answers to later requests may take.
func open(ctx context.Context, opts *tnt.Options, maxFrame int, patience time.Duration) (*link, error) {
	timeout := opts.ConnectTimeout
	if timeout == 0 {
		timeout = tnt.DefaultConnectTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	network, address := splitAddress(opts.Address)
	dial := opts.Dialer
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if opts.TLS != nil {
		config := opts.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		conn = tls.Client(conn, config)
	}
	l := &link{Conn: conn, opts: opts, maxFrame: maxFrame, in: bufio.NewReaderSize(conn, firstPiece)}
	if err := l.introduce(network); err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
		return nil, err
	}
	if !stop() { // the deadline is set, or is about to be
		_ = conn.Close()
		return nil, context.Cause(ctx)
	}
	l.patience = patience
	return l, nil
}

// splitAddress tells a unix socket's path from a host and port.
func splitAddress(address string) (network, rest string) {
	for _, prefix := range []string{"unix/:", "unix:"} {
		if path, ok := strings.CutPrefix(address, prefix); ok {
			return "unix", path
		}
	}
	switch {
	case address == "":
		return "tcp", tnt.DefaultAddress
	case strings.HasPrefix(address, "/"), strings.HasPrefix(address, "./"):
		return "unix", address
	case !strings.Contains(address, ":"):
		return "tcp", address + ":3301"
	}
	return "tcp", address
}

func (l *link) introduce(network string) error {
	var b [wire.GreetingSize]byte
	if _, err := io.ReadFull(l.in, b[:]); err != nil {
		return fmt.Errorf("no greeting: %w", err)
	}
	greeting, err := wire.DecodeGreeting(b[:])
	if err != nil {
		return final{err}
	}
	l.greeting = greeting
	if l.opts.User == "" {
		return nil
	}
	method, proof := wire.AuthChapSHA1, wire.ChapSHA1(l.opts.Password, greeting.Salt)
	if l.opts.Auth == wire.AuthPapSHA256 {
		if l.opts.TLS == nil && network != "unix" && !l.opts.AllowPlainPassword {
			return final{errors.New("pap-sha256 sends the password itself, and the connection is not encrypted")}
		}
		method, proof = wire.AuthPapSHA256, []byte(l.opts.Password)
	}
	w := wire.NewBody(nil)
	w.String(iproto.KeyUserName, l.opts.User)
	w.Key(iproto.KeyTuple)
	w.B = mp.AppendString(mp.AppendArrayLen(w.B, 2), method)
	w.B = mp.AppendStringBytes(w.B, proof)
	if _, err := l.exchange(iproto.TypeAuth, w.End()); err != nil {
		return final{fmt.Errorf("authentication: %w", err)}
	}
	return nil
}

// send writes a request.
func (l *link) send(typ iproto.Type, body []byte) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	l.sync++
	b := wire.AppendRequestHeader(wire.BeginFrame(nil), wire.Header{Type: typ, Sync: l.sync})
	b = append(b, body...)
	if err := wire.EndFrame(b, 0); err != nil {
		return err
	}
	_ = l.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.Write(b)
	return err
}

// errSilence reports that nothing came in time, and that nothing is lost.
var errSilence = errors.New("the server sends nothing")

// receive reads the next frame as a row, whose bytes are the caller's. An
// answer that is an error is a row, too. size is that of the frame.
func (l *link) receive(patience time.Duration) (row replication.Row, size int, err error) {
	if patience > 0 {
		_ = l.SetReadDeadline(time.Now().Add(patience)) // one without deadlines is read all the same
	}
	head, length, err := l.frameHead()
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() && l.in.Buffered() == 0 {
			return row, 0, errSilence
		}
		return row, 0, err
	}
	if length > uint64(l.maxFrame) {
		return row, 0, fmt.Errorf("%w: the server sends a row of %d bytes", ErrTooLarge, length)
	}
	_, _ = l.in.Discard(head) // it was peeked at
	frame := make([]byte, 0, min(length, firstPiece))
	for uint64(len(frame)) < length { // it may lie: memory grows with what comes
		have := len(frame)
		piece := min(length-uint64(have), max(uint64(have), firstPiece))
		frame = append(frame, make([]byte, piece)...)
		if _, err := io.ReadFull(l.in, frame[have:]); err != nil {
			return row, 0, fmt.Errorf("the connection broke off inside of a row: %w", err)
		}
	}
	r := mp.NewReader(frame)
	row, err = replication.DecodeRow(&r)
	return row, len(frame), err
}

// longestHead is the most bytes that the length of a frame takes.
const longestHead = 9

func (l *link) frameHead() (head int, length uint64, err error) {
	for n := 1; n <= longestHead; n++ {
		b, err := l.in.Peek(n)
		if err != nil {
			return 0, 0, err
		}
		if head, length, err = wire.FrameSize(b); err != nil || head > 0 {
			return head, length, err
		}
	}
	return 0, 0, errors.New("a frame without a length")
}

// exchange sends a request and reads its answer, or the error that it is.
func (l *link) exchange(typ iproto.Type, body []byte) (answer replication.Row, err error) {
	if err := l.send(typ, body); err != nil {
		return answer, err
	}
	if answer, _, err = l.receive(l.patience); err != nil {
		return answer, err
	}
	err = refusal(&answer)
	return answer, err
}

// refusal returns the error that an answer is, nil for none.
func refusal(answer *replication.Row) error {
	if answer.Type&iproto.TypeError == 0 {
		return nil
	}
	return serverError(answer.Type, answer.Body)
}
