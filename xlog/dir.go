package xlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/types"
)

// Errors of a directory's logs. ErrGap: what came right after the position is
// not there, or a log in between is missing. ErrAhead: the logs end before the
// position.
var (
	ErrGap   = errors.New("xlog: a log is missing")
	ErrAhead = errors.New("xlog: the logs end before the position")
)

// Dir is a directory of files, as Tarantool's wal_dir, memtx_dir and vinyl_dir
// are.
type Dir struct {
	files []File
	opts  []Option
}

// File is a file of a Dir.
type File struct {
	Path   string
	Header Header
	// Err is why the header could not be read.
	Err error
}

// place is where a file stands among those of its type: the signature of its
// vclock. A file whose header can't be read has it in its name, or is the last.
func (f *File) place() uint64 {
	if f.Err == nil {
		return f.Header.VClock.Signature()
	}
	name := filepath.Base(f.Path)
	n, err := strconv.ParseUint(strings.TrimSuffix(name, filepath.Ext(name)), 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return n
}

// extensions are those of the files that a Dir has. One that is not finished
// (.inprogress) is none.
var extensions = map[string]string{".xlog": TypeLog, ".snap": TypeSnapshot, ".vylog": TypeVinylLog, ".run": TypeVinylRun, ".index": TypeVinylPage}

// OpenDir looks for files in a directory and in those inside of it, where vinyl
// keeps its runs, and reads their headers. The options hold for the files'
// rows. A file whose header is broken is one of the
// Dir's files all the same.
func OpenDir(path string, opts ...Option) (*Dir, error) {
	d := &Dir{opts: opts}
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || extensions[filepath.Ext(name)] == "" {
			return err
		}
		f := File{Path: name}
		r, err := Open(name)
		if err != nil {
			f.Err = err
			f.Header.Type = extensions[filepath.Ext(name)]
		} else {
			f.Header = r.Header()
			f.Err = r.Close()
		}
		d.files = append(d.files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("xlog: %w", err)
	}
	slices.SortStableFunc(d.files, func(a, b File) int {
		return cmp.Or(strings.Compare(a.Header.Type, b.Header.Type),
			cmp.Compare(a.place(), b.place()), strings.Compare(a.Path, b.Path))
	})
	return d, nil
}

// Files returns the files: by their types, then from the oldest on.
func (d *Dir) Files() []File { return slices.Clone(d.files) }

// logs returns the logs. They have to be of one directory: those of two are of
// two servers, or a copy.
func (d *Dir) logs() (logs []File, err error) {
	for _, f := range d.files {
		if f.Header.Type != TypeLog {
			continue
		}
		if len(logs) > 0 && filepath.Dir(f.Path) != filepath.Dir(logs[0].Path) {
			return nil, fmt.Errorf("xlog: %s and %s are logs of two directories: open one of them", logs[0].Path, f.Path)
		}
		logs = append(logs, f)
	}
	return logs, nil
}

// Since iterates over the transactions of the logs that came after a position.
// Rows of local spaces are counted in component 0: a position without it makes
// all of those in the log where it is come.
//
// That nothing is left out is checked: by what each log says of the one before
// it, and by where it starts and the one before it ends. A hole is an ErrGap, a
// position behind the last row an ErrAhead, once all rows were seen. A
// transaction that the position cuts through is an error, and so is a log behind
// the position whose header can't be read.
//
// With Follow it waits for more at the end of the last log, and goes on in the log
// that the server writes next; ErrAhead is none then, as the rows may come.
func (d *Dir) Since(position types.VClock) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		s, err := d.since(position)
		var reached types.VClock
		for i := 0; err == nil; i++ {
			var more bool
			if more, err = s.next(i); !more {
				break
			}
			if f := s.logs[i]; i > 0 {
				err = follows(s.logs[i-1], f, reached)
			}
			if err != nil {
				break
			}
			if reached, more, err = s.read(i, position, yield); err == nil && !more {
				return
			}
		}
		if err == nil && !reached.Covers(position) {
			err = fmt.Errorf("%w: they end at %v, the position is %v", ErrAhead, reached, position)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// follows reports as an error that a log does not come right after another
// one, whose rows end at reached.
func follows(before, f File, reached types.VClock) error {
	switch {
	case f.Header.HasPrev && f.Header.PrevVClock != before.Header.VClock && f.Header.PrevVClock != (types.VClock{}):
		return fmt.Errorf("%w: before %s there was one that starts at %v, but there is %s, which starts at %v",
			ErrGap, f.Path, f.Header.PrevVClock, before.Path, before.Header.VClock)
	case !reached.Covers(f.Header.VClock):
		return fmt.Errorf("%w: %s ends at %v, %s starts at %v", ErrGap, before.Path, reached, f.Path, f.Header.VClock)
	}
	return nil
}

// knownRows counts the rows of a transaction that are not after a position.
// Local rows go with the others of their transaction.
func knownRows(tx []Row, position types.VClock) int {
	known, local := 0, 0
	for i := range tx {
		switch row := &tx[i]; {
		case row.Local:
			local++
		case row.LSN <= position[row.ReplicaID]:
			known++
		}
	}
	switch {
	case local == len(tx):
		if tx[0].LSN <= position[0] {
			return local
		}
		return 0
	case known == len(tx)-local:
		return len(tx)
	}
	return known
}
