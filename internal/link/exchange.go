package link

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// shortestFrame is the least number of bytes of a frame: its length and a header.
const shortestFrame = 5

// firstPiece is how many bytes are allocated for a frame before any have come.
const firstPiece = 64 << 10

// Send sends a request. body is one MessagePack map, or empty.
func (l *Link) Send(ctx context.Context, typ iproto.Type, body []byte) error {
	l.sync++
	b := wire.AppendRequestHeader(wire.BeginFrame(nil), wire.Header{Type: typ, Sync: l.sync})
	b = append(b, body...)
	if err := wire.EndFrame(b, 0); err != nil {
		return err
	}
	return l.bounded(ctx, func() error {
		_, err := l.Write(b)
		return err
	})
}

// Receive reads the content of the next frame, a header and a body. The bytes
// are the caller's.
func (l *Link) Receive(ctx context.Context) (content []byte, err error) {
	err = l.bounded(ctx, func() error {
		content, err = l.readFrame()
		return err
	})
	return content, err
}

func (l *Link) readFrame() ([]byte, error) {
	start := make([]byte, shortestFrame)
	if _, err := io.ReadFull(l.Conn, start); err != nil {
		return nil, endOfStream(err)
	}
	head, size, err := wire.FrameSize(start)
	for err == nil && head == 0 && len(start) <= 9 { // a length in a longer form than servers write
		var next [1]byte
		if _, err = io.ReadFull(l.Conn, next[:]); err == nil {
			start = append(start, next[0])
			head, size, err = wire.FrameSize(start)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case head == 0:
		return nil, errors.New("iproto: a frame without a length")
	case size > l.maxFrame:
		return nil, wire.CheckFrameSize(size, l.maxFrame)
	case size < uint64(len(start)-head):
		return nil, fmt.Errorf("iproto: a frame of %d bytes is too short for a header", size)
	}
	// The length may lie: memory grows with what comes.
	frame := append(make([]byte, 0, min(size, firstPiece)), start[head:]...)
	for uint64(len(frame)) < size {
		have := len(frame)
		piece := min(size-uint64(have), max(uint64(have), firstPiece))
		frame = append(frame, make([]byte, piece)...)
		if _, err := io.ReadFull(l.Conn, frame[have:]); err != nil {
			return nil, endOfStream(err)
		}
	}
	return frame, nil
}

func endOfStream(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server closed the connection in the middle of an answer: %w", err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	return err
}

// Exchange sends a request and reads its answer: the next frame, as no other
// request is on its way. What the server refused is the error that it answered
// with.
func (l *Link) Exchange(ctx context.Context, typ iproto.Type, body []byte) (answer []byte, err error) {
	if err := l.Send(ctx, typ, body); err != nil {
		return nil, err
	}
	content, err := l.Receive(ctx)
	if err != nil {
		return nil, err
	}
	r := mp.NewReader(content)
	h, err := wire.DecodeHeader(&r)
	if err != nil {
		return nil, err
	}
	if h.Type&iproto.TypeError != 0 {
		return nil, wire.ServerError(h.Type, r.Rest(), l.settings)
	}
	return r.Rest(), nil
}
