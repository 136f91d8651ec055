package cdc

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/link"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// A conn is a connection to a server, after the handshake. One goroutine reads
// it; others may write.
type conn struct {
	net.Conn
	greeting wire.Greeting
	opts     *tnt.Options
	settings *mp.Settings // what values are read by

	in       *bufio.Reader
	maxFrame int
	patience time.Duration // how long the server may send nothing
	wmu      sync.Mutex    // held while a frame is written
	sync     uint64
}

// firstPiece is how many bytes are allocated for a frame before any have come.
const firstPiece = 64 << 10

// writeTimeout bounds the writing of a frame: those sent here are small, and
// a server that takes none is gone.
const writeTimeout = 10 * time.Second

// settingsOf returns what values of a server are read by.
func settingsOf(opts *tnt.Options) (*mp.Settings, error) {
	n := cmp.Or(opts.MaxNesting, tnt.DefaultMaxNesting)
	if n < 0 || n > mp.MaxNesting {
		return nil, fmt.Errorf("tnt.Options.MaxNesting is %d: from 1 to %d are possible", n, mp.MaxNesting)
	}
	return mp.NewSettings(n), nil
}

// open connects, reads the greeting and authenticates, as long as ctx and the
// options allow. patience is how long the server may send nothing later.
func open(ctx context.Context, opts *tnt.Options, maxFrame int, patience time.Duration) (*conn, error) {
	timeout := opts.ConnectTimeout
	if timeout == 0 {
		timeout = tnt.DefaultConnectTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	settings, err := settingsOf(opts)
	if err != nil {
		return nil, final{err}
	}
	network, address, err := link.SplitAddress(cmp.Or(opts.Address, tnt.DefaultAddress))
	if err != nil {
		return nil, final{err}
	}
	dialer := opts.Dialer
	if dialer == nil {
		dialer = new(net.Dialer).DialContext
	}
	opened, err := link.Open(ctx, &link.Config{
		Network: network, Address: address, Dialer: dialer, TLS: opts.TLS,
		User: opts.User, Password: opts.Password, Auth: opts.Auth, AllowPlainPassword: opts.AllowPlainPassword,
		MaxFrame: uint64(maxFrame), Settings: settings,
	})
	var failed *link.Error
	switch {
	case errors.As(err, &failed) && failed.Stage == link.StageAuth && link.IsPermanent(err):
		return nil, final{fmt.Errorf("authentication: %w", err)}
	case link.IsPermanent(err):
		return nil, final{err}
	case err != nil:
		return nil, err
	}
	l := &conn{Conn: opened.Conn, greeting: opened.Greeting, opts: opts, settings: settings, maxFrame: maxFrame, patience: patience}
	l.in = bufio.NewReaderSize(l, firstPiece)
	return l, nil
}

// Read reads what there is, and waits for it as long as patience allows: that
// is for some bytes, so that a long row may take longer.
func (l *conn) Read(b []byte) (int, error) {
	_ = l.SetReadDeadline(time.Now().Add(l.patience)) // one without deadlines is read all the same
	return l.Conn.Read(b)
}

// send writes a request.
func (l *conn) send(typ iproto.Type, body []byte) error {
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
func (l *conn) receive() (row replication.Row, size int, err error) {
	head, length, err := l.frameHead()
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() && l.in.Buffered() == 0 {
			return row, 0, errSilence
		}
		return row, 0, err
	}
	if length > uint64(l.maxFrame) {
		return row, 0, fmt.Errorf("%w: Options.MaxTransaction is %d, and the server sends a row of %d bytes", ErrTooLarge, l.maxFrame, length)
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
	return row, len(frame), misread(err)
}

// misread marks an error of what a server sent, which it will send again.
func misread(err error) error {
	if err == nil {
		return nil
	}
	return final{fmt.Errorf("cdc: what the server sends is not understood: %w", err)}
}

// longestHead is the most bytes that the length of a frame takes.
const longestHead = 9

func (l *conn) frameHead() (head int, length uint64, err error) {
	for n := 1; n <= longestHead; n++ {
		b, err := l.in.Peek(n)
		if err != nil {
			return 0, 0, err
		}
		if head, length, err = wire.FrameSize(b); err != nil || head > 0 {
			return head, length, misread(err)
		}
	}
	return 0, 0, misread(errors.New("a frame without a length"))
}

// exchange sends a request and reads its answer, or the error that it is.
func (l *conn) exchange(typ iproto.Type, body []byte) (answer replication.Row, err error) {
	if err := l.send(typ, body); err != nil {
		return answer, err
	}
	if answer, _, err = l.receive(); err != nil {
		return answer, err
	}
	err = l.refusal(&answer)
	return answer, err
}

// refusal returns the error that an answer is, nil for none.
func (l *conn) refusal(answer *replication.Row) error {
	if answer.Type&iproto.TypeError == 0 {
		return nil
	}
	return wire.ServerError(answer.Type, answer.Body, l.settings)
}
