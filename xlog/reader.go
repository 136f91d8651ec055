package xlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/types"
)

// Reader reads a file from its start to its end, once. It is not safe for
// concurrent use.
type Reader struct {
	in     input
	opts   options
	header Header
	end    End
	zstd   decompressor
	file   *os.File

	rows mp.Reader // the rest of the block that is being read
	at   int64     // where it starts

	damaged *Damage // reported once it is known what follows
	done    error   // errEnd or what went wrong: nothing more is read
}

// errEnd ends the reading where the file ends.
var errEnd = errors.New("the file ends here")

// Open opens a file and reads its header. The caller closes the Reader.
func Open(path string, opts ...Option) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("xlog: %w", err)
	}
	r, err := NewReader(f, opts...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	r.file = f
	return r, nil
}

// NewReader reads the header of a file that src gives. The Reader has
// resources to be let go of by Close; src stays open.
func NewReader(src io.Reader, opts ...Option) (*Reader, error) {
	r := &Reader{opts: options{maxBlock: DefaultMaxBlock}}
	for _, o := range opts {
		o(&r.opts)
	}
	if r.opts.maxBlock <= 0 {
		return nil, fmt.Errorf("xlog: MaxBlock(%d) lets no block through", r.opts.maxBlock)
	}
	r.in = input{src: src, opts: &r.opts}
	for {
		h, n, err := parseHeader(r.in.b)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			r.header = h
			r.end.VClock = h.VClock
			r.in.skip(n)
			return r, nil
		}
		have := len(r.in.b)
		if r.in.eof || have > maxHeader {
			return nil, &BlockError{Offset: int64(have), Reason: "no end of the header"}
		}
		if err := r.in.need(have + 1); err != nil {
			return nil, fmt.Errorf("xlog: %w", err)
		}
	}
}

// Close lets go of the file and of memory.
func (r *Reader) Close() error {
	r.zstd.close()
	r.zstd = decompressor{}
	if r.done == nil {
		r.done = fmt.Errorf("xlog: %w", os.ErrClosed)
	}
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file = nil
	return f.Close()
}

// Header returns the text at the start of the file.
func (r *Reader) Header() Header { return r.header }

// End says what was read so far and, once the rows have come to their end, how
// the file ends.
func (r *Reader) End() End { return r.end }

// Rows iterates over the rows that are left. An error is the last: damage is a
// *BlockError. With Salvage, only errors of reading are left.
func (r *Reader) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			row, err := r.next()
			switch {
			case errors.Is(err, errEnd):
				return
			case err != nil:
				yield(Row{}, err)
				return
			case !yield(exportRow(&row), nil):
				return
			}
		}
	}
}

// Transactions iterates over the transactions that are left, whole ones only.
// One of which rows are missing is an error, and with Salvage a Damage of no
// bytes. In snapshots each row is alone.
func (r *Reader) Transactions() iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		var a replication.Assembler
		for {
			row, err := r.next()
			if errors.Is(err, errEnd) {
				if err = a.End(); err == nil || r.broken(err) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			tx, err := a.Add(row)
			if err != nil && r.broken(err) {
				a.Reset()
				if tx, err = a.Add(row); err != nil {
					a.Reset() // the row is of the transaction whose start is lost
					continue
				}
			}
			if err != nil {
				yield(nil, &BlockError{Offset: r.at, Reason: "rows", Err: err})
				return
			}
			if tx != nil && !yield(exportRows(tx.Rows), nil) {
				return
			}
		}
	}
}

// broken reports a transaction that is not whole. It returns false where that
// is an error.
func (r *Reader) broken(err error) bool {
	if r.opts.salvage == nil {
		return false
	}
	r.opts.salvage(Damage{Offset: r.at, Before: r.end.VClock, After: r.end.VClock, Err: err})
	return true
}

func exportRows(rows []replication.Row) []Row {
	exported := make([]Row, len(rows))
	for i := range rows {
		exported[i] = exportRow(&rows[i])
	}
	return exported
}

// next returns the next row; errEnd behind the last.
func (r *Reader) next() (replication.Row, error) {
	for {
		for r.rows.Len() == 0 {
			if r.done != nil {
				return replication.Row{}, r.done
			}
			if err := r.nextBlock(); err != nil {
				r.done = err
				r.settleDamage(types.VClock{})
				return replication.Row{}, err
			}
		}
		row, err := replication.DecodeRow(&r.rows)
		if err == nil {
			r.end.Rows++
			if r.header.Type == TypeLog {
				replication.Follow(&r.end.VClock, &row)
			}
			r.settleDamage(r.end.VClock)
			return row, nil
		}
		if err := r.badRow(err); err != nil {
			return replication.Row{}, err
		}
	}
}

// badRow passes over the rest of a block that has an undecodable row, though
// its checksum is right.
func (r *Reader) badRow(err error) error {
	left := int64(r.rows.Len())
	r.rows = mp.Reader{}
	err = &BlockError{Offset: r.at, Reason: "rows", Err: err}
	if r.opts.salvage == nil {
		r.done = err
		return err
	}
	r.damage(Damage{Offset: r.at, Length: left, Err: err})
	return nil
}

// nextBlock makes the next block's rows ready.
func (r *Reader) nextBlock() error {
	if r.opts.follow != nil && r.opts.follow.Err() != nil {
		return r.opts.follow.Err()
	}
	data, size, err := r.wholeBlock()
	switch {
	case err == nil:
	case r.opts.salvage == nil || !isDamage(err):
		return err
	default:
		if data, size, err = r.search(err); err != nil {
			return err
		}
	}
	r.at = r.in.offset
	r.in.skip(size)
	r.rows = mp.NewReader(data)
	r.end.Blocks++
	return nil
}

func isDamage(err error) bool {
	var bad *BlockError
	return errors.As(err, &bad)
}

// wholeBlock decodes the block at the start of the window, which takes size
// bytes of the file. It returns errEnd where the file ends, cut off or not.
func (r *Reader) wholeBlock() (data []byte, size int, err error) {
	if err := r.in.need(magicSize); err != nil {
		return nil, 0, err
	}
	bad := func(reason string, err error) ([]byte, int, error) {
		return nil, 0, &BlockError{Offset: r.in.offset, Reason: reason, Err: err}
	}
	if len(r.in.b) < magicSize {
		return nil, 0, r.cutOff()
	}
	switch magic := binary.BigEndian.Uint32(r.in.b); magic {
	case magicPlain, magicZstd:
	case magicEnd:
		return nil, 0, r.endMark()
	default:
		return bad(fmt.Sprintf("magic %08x", magic), nil)
	}
	if err := r.in.need(blockHead); err != nil {
		return nil, 0, err
	}
	if len(r.in.b) < blockHead {
		return nil, 0, r.cutOff()
	}
	h, err := decodeHead(r.in.b)
	if err != nil {
		return bad("the head of a block", err)
	}
	if h.length > r.opts.maxBlock {
		if r.atEndBefore(h.length) {
			return nil, 0, r.cutOff()
		}
		return bad(fmt.Sprintf("a block of %d bytes, more than MaxBlock(%d)", h.length, r.opts.maxBlock), nil)
	}
	size = blockHead + h.length
	if err := r.in.need(size); err != nil {
		return nil, 0, err
	}
	if len(r.in.b) < size {
		return nil, 0, r.cutOff()
	}
	data = r.in.b[blockHead:size:size]
	if crc := checksum(data); crc != h.crc {
		return bad(fmt.Sprintf("checksum %08x, not %08x", crc, h.crc), nil)
	}
	if h.compressed {
		if data, err = r.zstd.decompress(data, r.opts.maxBlock); err != nil {
			return bad("a compressed block", err)
		}
		r.end.Compressed++
	}
	return data, size, nil
}

// atEndBefore reports whether the file has less than n bytes left, as far as
// that is to be known without holding more than MaxBlock of them: a length
// beyond is that of a block cut off, as Tarantool has it.
func (r *Reader) atEndBefore(n int) bool {
	if r.opts.follow != nil {
		return false
	}
	if err := r.in.need(min(n, r.opts.maxBlock)); err != nil {
		return false
	}
	return r.in.eof && len(r.in.b)-blockHead < n
}

// cutOff ends the reading where a block is not whole. With Salvage it is
// damage if a whole block follows, which search finds out.
func (r *Reader) cutOff() error {
	if r.opts.salvage != nil && len(r.in.b) > 0 {
		return &BlockError{Offset: r.in.offset, Reason: "a block is cut off", Err: io.ErrUnexpectedEOF}
	}
	r.end.TailBytes = int64(len(r.in.b))
	return errEnd
}

func (r *Reader) endMark() error {
	r.in.skip(magicSize)
	r.end.Clean = true
	if r.opts.follow == nil {
		if err := r.in.need(1); err != nil {
			return err
		}
		if len(r.in.b) > 0 {
			return &BlockError{Offset: r.in.offset, Reason: "data after the end marker"}
		}
	}
	return errEnd
}
