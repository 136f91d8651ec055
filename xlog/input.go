package xlog

import (
	"errors"
	"io"
	"time"
)

// pollInterval is how often a file that is followed is looked at.
const pollInterval = 20 * time.Millisecond

// readStep is how much is read at once. Memory for a large block grows as its
// bytes come, whatever its length claims.
const readStep = 64 << 10

// emptyReads is how many reads in a row may give neither bytes nor an error, as with bufio.
const emptyReads = 100

// input is a window on a file's bytes.
type input struct {
	src    io.Reader
	b      []byte // what is read and not yet used
	offset int64  // of b in the file
	eof    bool
	last   bool // no more is written to the file than is there
	empty  int  // how many reads in a row gave neither bytes nor an error
	opts   *options
}

// need makes the window n bytes long, or as long as the file allows.
func (in *input) need(n int) error {
	for len(in.b) < n && !in.eof {
		if err := in.fill(); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) fill() error {
	if cap(in.b)-len(in.b) < readStep {
		grown := make([]byte, len(in.b), len(in.b)+max(readStep, len(in.b)/2)+readStep)
		copy(grown, in.b)
		in.b = grown
	}
	n, err := in.src.Read(in.b[len(in.b):cap(in.b)])
	in.b = in.b[:len(in.b)+n]
	if n > 0 || err != nil {
		in.empty = 0
	}
	switch {
	case n > 0:
		return nil
	case err == nil:
		if in.empty++; in.empty >= emptyReads {
			return io.ErrNoProgress
		}
		return nil
	case !errors.Is(err, io.EOF):
		return err
	case in.opts.follow == nil || in.last:
		in.eof = true
		return nil
	}
	if in.opts.superseded != nil {
		if in.last, err = in.opts.superseded(); err != nil || in.last {
			return err // what was written before that is read yet
		}
	}
	return wait(in.opts.follow)
}

// skip drops bytes from the front of the window.
func (in *input) skip(n int) {
	in.b = in.b[n:]
	in.offset += int64(n)
}
