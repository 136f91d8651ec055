package xlog

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/gotnt/tnt/types"
)

// Check is what verifying a file found.
type Check struct {
	Path   string
	Header Header
	End    End
	Damage []Damage // none in a file that is whole
	// Err is what is wrong with the file as a whole: a header that can't be
	// read, a log missing before it (ErrGap), a snapshot cut off.
	Err error
}

// Sound reports whether nothing is wrong.
func (c Check) Sound() bool { return c.Err == nil && len(c.Damage) == 0 }

// Verify reads a file from its start to its end, all checksums, rows and
// transactions. It does not Follow.
func Verify(path string, opts ...Option) Check {
	c := Check{Path: path}
	r, err := Open(path, append(slices.Clone(opts), Salvage(func(d Damage) { c.Damage = append(c.Damage, d) }), Option(atOnce))...)
	if err != nil {
		c.Err = err
		return c
	}
	defer func() { _ = r.Close() }() // it was only read
	c.Header = r.Header()
	for tx, err := range r.Transactions() {
		if err != nil {
			c.Err = err
			break
		}
		for i := range tx {
			if _, err := tx[i].Data(); err != nil {
				c.Damage = append(c.Damage, Damage{Offset: r.at, Before: r.end.VClock, After: r.end.VClock, Err: &BlockError{Offset: r.at, Reason: "rows", Err: err}})
			}
		}
	}
	c.End = r.End()
	if c.Err == nil && c.Header.Type != TypeLog && c.Header.Type != TypeVinylLog && !c.End.Clean {
		c.Err = fmt.Errorf("xlog: %s has no end mark: a file of type %s is written whole or not at all", path, c.Header.Type)
	}
	return c
}

// atOnce takes back Follow.
func atOnce(o *options) { o.follow = nil }

// Verify verifies every file, and that none is missing between two logs of a
// directory.
func (d *Dir) Verify() iter.Seq[Check] {
	type end struct {
		file    File
		reached types.VClock
	}
	return func(yield func(Check) bool) {
		before := map[string]end{} // by directory
		for _, f := range d.files {
			c := Verify(f.Path, d.opts...)
			if f.Header.Type == TypeLog && f.Err == nil {
				last, ok := before[filepath.Dir(f.Path)]
				if ok && c.Err == nil {
					c.Err = follows(last.file, f, last.reached)
				}
				before[filepath.Dir(f.Path)] = end{f, c.End.VClock}
			}
			if !yield(c) {
				return
			}
		}
	}
}
