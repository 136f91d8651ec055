package session

import (
	"errors"
	"io"
	"math"
	"sync"

	"github.com/gotnt/tnt/internal/wire"
)

// smallBuffer is what a reader waits with, in bytes. It changes to a buffer
// of Config.ReadBuffer when a read fills this one, and back when little comes.
const smallBuffer = 4 << 10

// firstChunk is how much is allocated for a frame larger than the buffer
// before any of it has come; it doubles as bytes arrive.
const firstChunk = 256 << 10

// input cuts what comes from src into frames.
type input struct {
	src        io.Reader
	small      []byte
	large      int // size of the large buffer
	buf        []byte
	start, end int // what of buf is read and not yet used

	largeHead, largeSize int // of a frame too large for any buffer that has begun; 0: none
}

func newInput(src io.Reader, large int) input {
	in := input{src: src, small: make([]byte, smallBuffer), large: max(large, smallBuffer)}
	in.buf = in.small
	return in
}

// largeBuffers holds the readers' large buffers between uses.
var largeBuffers sync.Pool

// next returns the content of the next frame, reading as needed. It is valid
// until the next call, or for ever where it is owned. buffered has told that no
// whole frame is there.
func (in *input) next(limit uint64) (frame []byte, owned bool, err error) {
	for frame == nil && err == nil {
		if in.largeSize > 0 {
			frame, err = in.readLarge()
			return frame, true, err
		}
		if err = in.fill(); err == nil {
			frame, err = in.buffered(limit)
		}
	}
	return frame, false, err
}

// buffered is next without reading: it returns nil where no whole frame is
// there.
func (in *input) buffered(limit uint64) (frame []byte, err error) {
	head, size, err := wire.FrameSize(in.buf[in.start:in.end])
	switch {
	case err != nil || head == 0:
		return nil, err
	case size > min(limit, math.MaxInt-16): // an int has to hold the head too
		return nil, wire.CheckFrameSize(size, min(limit, math.MaxInt-16))
	}
	total := head + int(size)
	switch {
	case total <= in.end-in.start:
		frame = in.buf[in.start+head : in.start+total : in.start+total]
		in.start += total
		return frame, nil
	case total > in.large:
		in.largeHead, in.largeSize = head, int(size)
	}
	return nil, nil
}

// fill reads what there is, at least a byte, making room first.
func (in *input) fill() error {
	switch {
	case in.start == in.end:
		if in.end <= len(in.small) {
			in.shrink()
		}
		in.start, in.end = 0, 0
	case in.end == len(in.buf) && in.start > 0:
		in.end = copy(in.buf, in.buf[in.start:in.end])
		in.start = 0
	}
	n, err := in.src.Read(in.buf[in.end:])
	in.end += n
	switch {
	case n > 0:
		if in.end == len(in.small) && len(in.buf) == in.end && in.large > in.end {
			in.grow() // more is likely waiting
		}
		return nil
	case err == nil:
		return io.ErrNoProgress
	case errors.Is(err, io.EOF) && in.start < in.end:
		return io.ErrUnexpectedEOF
	}
	return err
}

// grow moves from the small buffer to the large one, which has room for whatever
// readLarge does not read.
func (in *input) grow() {
	var larger []byte
	if b, ok := largeBuffers.Get().(*[]byte); ok && cap(*b) >= in.large {
		larger = (*b)[:in.large] // it may have been that of a session with a larger one
	} else {
		larger = make([]byte, in.large)
	}
	n := copy(larger, in.buf[in.start:in.end])
	in.buf, in.start, in.end = larger, 0, n
}

// shrink goes back to the small buffer.
func (in *input) shrink() {
	if &in.buf[0] != &in.small[0] {
		buf := in.buf // a variable of its own, as its address is kept
		largeBuffers.Put(&buf)
	}
	in.buf = in.small
}

// readLarge reads a frame's content that is larger than the buffer into bytes
// of its own, allocated as it comes: a length that lies costs little.
func (in *input) readLarge() ([]byte, error) {
	size := in.largeSize
	in.start += in.largeHead
	in.largeHead, in.largeSize = 0, 0
	frame := make([]byte, min(size, max(firstChunk, in.end-in.start)))
	have := copy(frame, in.buf[in.start:in.end])
	in.start, in.end = 0, 0
	for {
		n, err := io.ReadFull(in.src, frame[have:])
		if have += n; err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have == size {
			return frame, nil
		}
		grown := make([]byte, len(frame)+min(size-len(frame), len(frame))) // twice as many may be no int
		copy(grown, frame)
		frame = grown
	}
}
