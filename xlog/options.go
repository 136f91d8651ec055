package xlog

import (
	"context"
	"fmt"

	"github.com/gotnt/tnt/types"
)

// DefaultMaxBlock is the largest block taken where MaxBlock is not given, in
// bytes and decompressed. Tarantool makes blocks of 128 KiB, but a transaction
// is one block whatever its size.
const DefaultMaxBlock = 1 << 30

type options struct {
	salvage  func(Damage)
	maxBlock int
	follow   context.Context //nolint:containedctx // an option of what reads as long as the context lasts
	// superseded, where set, reports that there is a log behind the one that is
	// followed, and so no more of that.
	superseded func() (bool, error)
}

// Option changes how a file is read.
type Option func(*options)

// Salvage makes a Reader pass over damage: it looks for the next whole block
// and goes on there. fn is told of each place, on the goroutine that reads; it
// may be nil. What was lost is lost: see Damage.
func Salvage(fn func(Damage)) Option {
	return func(o *options) {
		if fn == nil {
			fn = func(Damage) {}
		}
		o.salvage = fn
	}
}

// MaxBlock sets how many bytes a block may have, compressed or not. A larger
// one is an error. Default: DefaultMaxBlock.
func MaxBlock(n int) Option { return func(o *options) { o.maxBlock = n } }

// Follow makes a Reader wait for more at the end of a file that has no end
// mark, until ctx ends: its error is the last one then, behind the rest of the block
// that is being read. Where the writer died
// no end mark ever comes. Dir.Since goes on in the next log.
func Follow(ctx context.Context) Option { return func(o *options) { o.follow = ctx } }

// Damage is a part of a file that could not be read.
type Damage struct {
	// Offset and Length say which bytes were passed over.
	Offset, Length int64
	// Before is the vclock of the last row read before it, and After that of the
	// first rows behind it: what was written between the two is lost. After is
	// zero where nothing follows.
	Before, After types.VClock
	// Err says what is wrong.
	Err error
}

// String says where the damage is and what it is.
func (d Damage) String() string {
	return fmt.Sprintf("%d bytes lost: %v", d.Length, d.Err)
}

// BlockError reports a place in a file that is not as it should be.
type BlockError struct {
	Offset int64 // in the file, of the start of the block
	Reason string
	Err    error // may be nil
}

// Error says where and what is wrong.
func (e *BlockError) Error() string {
	text := fmt.Sprintf("xlog: at %d: %s", e.Offset, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *BlockError) Unwrap() error { return e.Err }

// End says how the reading of a file ended.
type End struct {
	// Clean reports that the file's end mark was there. Without it the server
	// still writes the file, or died.
	Clean bool
	// Rows, Blocks and Compressed count what was read; Compressed are blocks, too.
	Rows, Blocks, Compressed int
	// TailBytes are those of a block at the end that is not whole, which a
	// server that dies leaves behind.
	TailBytes int64
	// VClock is how far the rows go: Header.VClock, moved by them.
	VClock types.VClock
}
