package xlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gotnt/tnt/types"
)

// A sequence is the logs from the one on that has a position, and those that
// are written while it is read.
type sequence struct {
	logs   []File
	opts   []Option
	follow context.Context //nolint:containedctx // of the option; nil: what is there is all

	path  string          // of the directory
	known map[string]bool // the paths in it that were looked at
}

func (d *Dir) since(position types.VClock) (*sequence, error) {
	logs, err := d.logs()
	if err != nil {
		return nil, err
	}
	first := -1
	for i, f := range logs {
		if f.Err == nil && position.Covers(f.Header.VClock) {
			first = i
		}
	}
	if first < 0 {
		return nil, fmt.Errorf("%w: none of %d logs has what came after %v", ErrGap, len(logs), position)
	}
	var o options
	for _, set := range d.opts {
		set(&o)
	}
	for o.follow != nil && logs[len(logs)-1].Err != nil { // the header may be about to be written
		logs = logs[:len(logs)-1]
	}
	s := &sequence{logs: logs[first:], opts: d.opts, follow: o.follow, path: filepath.Dir(logs[first].Path), known: map[string]bool{}}
	for _, f := range logs {
		s.known[f.Path] = true
	}
	return s, nil
}

// next reports whether there is a log with a number. It waits for it where the
// logs are followed.
func (s *sequence) next(i int) (bool, error) {
	for i >= len(s.logs) {
		if s.follow == nil {
			return false, nil
		}
		if err := wait(s.follow); err != nil {
			return false, err
		}
		if err := s.look(); err != nil {
			return false, err
		}
	}
	if f := s.logs[i]; f.Err != nil {
		return false, f.Err
	}
	return true, nil
}

// look looks for logs that are new. One whose header is not whole yet is none.
func (s *sequence) look() error {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return fmt.Errorf("xlog: %w", err)
	}
	var fresh []File
	for _, entry := range entries {
		path := filepath.Join(s.path, entry.Name())
		if filepath.Ext(path) != ".xlog" || s.known[path] || entry.IsDir() {
			continue
		}
		r, err := Open(path)
		if isDamage(err) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.known[path] = true
		f := File{Path: path, Header: r.Header(), Err: r.Close()}
		if f.Header.Type == TypeLog && f.Header.VClock.Signature() > s.logs[len(s.logs)-1].Header.VClock.Signature() {
			fresh = append(fresh, f)
		}
	}
	slices.SortStableFunc(fresh, func(a, b File) int {
		return cmp.Compare(a.Header.VClock.Signature(), b.Header.VClock.Signature())
	})
	s.logs = append(s.logs, fresh...)
	return nil
}

// read yields the transactions of a log that came after a position. It returns
// where the log ends, and whether there may be more to yield.
func (s *sequence) read(i int, position types.VClock, yield func([]Row, error) bool) (reached types.VClock, more bool, err error) {
	f := s.logs[i]
	r, err := Open(f.Path, append(slices.Clone(s.opts), func(o *options) {
		if o.follow != nil { // until there is a log behind it
			o.superseded = func() (bool, error) { err := s.look(); return len(s.logs) > i+1, err }
		}
	})...)
	if err != nil {
		return reached, false, err
	}
	defer func() { _ = r.Close() }() // it was only read
	for tx, err := range r.Transactions() {
		if err != nil {
			return reached, false, fmt.Errorf("%s: %w", f.Path, err)
		}
		switch known := knownRows(tx, position); {
		case known == len(tx):
		case known > 0:
			return reached, false, fmt.Errorf("xlog: %s: position %v is inside of a transaction, after %d of its %d rows", f.Path, position, known, len(tx))
		case !yield(tx, nil):
			return reached, false, nil
		}
	}
	return r.End().VClock, true, nil
}

// wait waits until a file is to be looked at again.
func wait(ctx context.Context) error {
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
