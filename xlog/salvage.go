package xlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/gotnt/tnt/types"
)

// search looks for the next whole block behind damage and returns it as
// wholeBlock does. Where there is none it returns errEnd.
func (r *Reader) search(cause error) (data []byte, size int, err error) {
	start, clean := r.in.offset, r.end.Clean
	for {
		if err := r.toNextMark(); err != nil {
			return nil, 0, err
		}
		if len(r.in.b) == 0 {
			return nil, 0, r.searchedToEnd(start, cause)
		}
		at := r.in.offset
		data, size, err = r.wholeBlock()
		switch {
		case err == nil:
			r.damage(Damage{Offset: start, Length: at - start, Err: cause})
			return data, size, nil
		case errors.Is(err, errEnd): // the mark of the file's end
			r.damage(Damage{Offset: start, Length: at - start, Err: cause})
			return nil, 0, err
		case !isDamage(err):
			return nil, 0, err
		}
		r.end.Clean = clean
	}
}

// toNextMark moves the window forward to the next bytes that may begin a
// block, or to the file's end.
func (r *Reader) toNextMark() error {
	r.in.skip(min(1, len(r.in.b)))
	for {
		if err := r.in.need(magicSize); err != nil {
			return err
		}
		if i := nextMark(r.in.b); i >= 0 {
			r.in.skip(i)
			return nil
		}
		r.in.skip(max(0, len(r.in.b)-magicSize+1)) // a mark may begin in the last bytes
		if r.in.eof {
			r.in.skip(len(r.in.b))
			return nil
		}
		if err := r.in.need(len(r.in.b) + 1); err != nil {
			return err
		}
	}
}

func nextMark(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], magicPlain>>24)
		if i < 0 || from+i+magicSize > len(b) {
			return -1
		}
		from += i
		switch binary.BigEndian.Uint32(b[from:]) {
		case magicPlain, magicZstd, magicEnd:
			return from
		}
		from++
	}
}

// searchedToEnd ends the search where no block follows. A block that is merely
// cut off by the file's end is no damage.
func (r *Reader) searchedToEnd(start int64, cause error) error {
	length := r.in.offset - start
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		r.end.TailBytes = length
		return errEnd
	}
	r.damage(Damage{Offset: start, Length: length, Err: cause})
	return errEnd
}

// damage notes damage, which is reported when the next row is known.
func (r *Reader) damage(d Damage) {
	r.settleDamage(types.VClock{})
	d.Before = r.end.VClock
	r.damaged = &d
}

// settleDamage reports the damage noted, if any.
func (r *Reader) settleDamage(after types.VClock) {
	if d := r.damaged; d != nil {
		r.damaged = nil
		d.After = after
		r.opts.salvage(*d)
	}
}
