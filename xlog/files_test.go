package xlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/rowtest"
)

// recorded are the files of testdata. Beside each stand the rows that it has,
// as another reader saw them.
func recorded(tb testing.TB) []string {
	tb.Helper()
	results, err := filepath.Glob("testdata/*/*.jsonl")
	if err != nil || len(results) != 54 {
		tb.Fatalf("%d files, %v, wanted 54", len(results), err)
	}
	for i, path := range results {
		results[i] = strings.TrimSuffix(path, ".jsonl")
	}
	return results
}

func resultLines(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

func TestFilesGiveTheRecordedRows(t *testing.T) {
	rows := 0
	for _, path := range recorded(t) {
		t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
			lines := resultLines(t, path)
			var last struct{ Error string }
			if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimPrefix(last.Error, "error: ")
			r, err := Open(path)
			if err != nil {
				if len(lines) != 1 || !strings.HasSuffix(err.Error(), want) || want == "" {
					t.Fatalf("%v, wanted %q", err, want)
				}
				return
			}
			defer func() { _ = r.Close() }()
			compareHeader(t, r.Header(), lines[0])
			n, err := compareRows(t, r, lines[1:len(lines)-1])
			rows += n
			if want != "" {
				var bad *BlockError
				if !errors.As(err, &bad) || bad.Error() != want {
					t.Fatalf("%v, wanted %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			compareEnd(t, r.End(), lines[len(lines)-1])
		})
	}
	if rows < 4000 {
		t.Errorf("%d rows were compared", rows)
	}
}

func compareHeader(t *testing.T, h Header, line []byte) {
	t.Helper()
	got := fmt.Sprintf(`{"filetype":%q,"format":%q,"version":%q,"instance":%q,"vclock":%q,"prev_vclock":%q,"has_prev":%t}`,
		h.Type, h.Format, h.Version, h.Instance, h.VClock, h.PrevVClock, h.HasPrev)
	if got != string(line) {
		t.Fatalf("header %s, wanted %s", got, line)
	}
}

// compareRows reads rows by the reader's own way, as what they export leaves
// some of a header out.
func compareRows(t *testing.T, r *Reader, lines [][]byte) (n int, err error) {
	t.Helper()
	for {
		row, err := r.next()
		if err != nil {
			if n != len(lines) {
				t.Fatalf("%d rows, wanted %d: %v", n, len(lines), err)
			}
			if errors.Is(err, errEnd) {
				return n, nil
			}
			return n, err
		}
		if n == len(lines) {
			t.Fatalf("row %d, wanted %d", n+1, len(lines))
		}
		var omitted struct {
			Rows int `json:"omitted_rows"`
		}
		if json.Unmarshal(lines[n], &omitted) == nil && omitted.Rows > 0 {
			return n + omitted.Rows, skipRows(r, omitted.Rows-1)
		}
		got, err := rowtest.Row(row)
		if err != nil {
			t.Fatalf("row %d: %v", n, err)
		}
		want, err := rowtest.Parse(lines[n])
		if err != nil {
			t.Fatal(err)
		}
		if diff := rowtest.Diff(got, want); diff != "" {
			t.Fatalf("row %d: %s", n, diff)
		}
		checkExported(t, row)
		n++
	}
}

// skipRows passes over rows that a recording leaves out, all that are left.
func skipRows(r *Reader, n int) error {
	for range n {
		if _, err := r.next(); err != nil {
			return fmt.Errorf("before %d rows were read: %w", n, err)
		}
	}
	if _, err := r.next(); !errors.Is(err, errEnd) {
		return fmt.Errorf("more than %d rows: %w", n, err)
	}
	return nil
}

func checkExported(t *testing.T, row replication.Row) {
	t.Helper()
	exported := exportRow(&row)
	if exported.LSN != row.LSN || exported.TSN != row.TSN || exported.Last != row.Last() || exported.Type != row.Type {
		t.Fatalf("exported as %+v: %+v", exported, row)
	}
	if _, err := exported.Data(); err != nil {
		t.Fatalf("%+v: %v", exported, err)
	}
}

func compareEnd(t *testing.T, end End, line []byte) {
	t.Helper()
	got := fmt.Sprintf(`{"rows":%d,"blocks":%d,"compressed_blocks":%d,"clean_end":%t,"tail_bytes":%d}`,
		end.Rows, end.Blocks, end.Compressed, end.Clean, end.TailBytes)
	if got != string(line) {
		t.Fatalf("end %s, wanted %s", got, line)
	}
}

// With Salvage at least as many rows come as from Tarantool's own reader,
// which goes on behind damage too.
func TestSalvage(t *testing.T) {
	for _, dir := range []string{"26", "38"} {
		text, err := os.ReadFile(filepath.Join("testdata", dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		var index []struct {
			File   string `json:"file"`
			Own    int    `json:"tarantool_rows"`
			Failed string `json:"tarantool_error"`
		}
		if err := json.Unmarshal(text, &index); err != nil {
			t.Fatal(err)
		}
		for _, c := range index {
			var damage []Damage
			r, err := Open(filepath.Join("testdata", dir, c.File), Salvage(func(d Damage) { damage = append(damage, d) }))
			if err != nil {
				if c.Own != 0 {
					t.Errorf("%s/%s: %v, but %d rows are to be had", dir, c.File, err, c.Own)
				}
				continue
			}
			for _, err := range r.Rows() {
				if err != nil {
					t.Errorf("%s/%s: %v", dir, c.File, err)
				}
			}
			if r.End().Rows < c.Own {
				t.Errorf("%s/%s: %d rows, Tarantool reads %d", dir, c.File, r.End().Rows, c.Own)
			}
			broken := strings.HasPrefix(c.File, "corrupt") || strings.HasPrefix(c.File, "huge") || strings.HasPrefix(c.File, "junk") || strings.HasPrefix(c.File, "zero_tail")
			if (len(damage) > 0) != broken {
				t.Errorf("%s/%s: damage %v", dir, c.File, damage)
			}
			if c.File == "corrupt_body.xlog" {
				if d := damage[0]; d.Offset < 500 || d.Offset > 600 || d.Length <= 0 || d.Before == d.After || !d.After.Covers(d.Before) {
					t.Errorf("%s/%s: %+v", dir, c.File, d)
				}
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTransactions(t *testing.T) {
	for _, dir := range []string{"26", "38"} {
		r, err := Open(filepath.Join("testdata", dir, "zstd_closed.xlog"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		var sizes []int
		rows := 0
		for tx, err := range r.Transactions() {
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range tx {
				if row.Last != (i == len(tx)-1) {
					t.Fatalf("row %d of %d is the last: %t", i, len(tx), row.Last)
				}
			}
			sizes = append(sizes, len(tx))
			rows += len(tx)
		}
		if rows != r.End().Rows || sizes[0] != 3 || sizes[1] != 1 || sizes[2] != 1 || sizes[3] != 2 {
			t.Errorf("%s: %d of %d rows, first transactions of %v", dir, rows, r.End().Rows, sizes[:4])
		}
	}
}

func TestMaxBlock(t *testing.T) {
	for _, c := range []struct {
		file string
		max  int
	}{{"zstd_closed.xlog", 600}, {"data.snap", 20000}} {
		r, err := Open(filepath.Join("testdata", "38", c.file), MaxBlock(c.max))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		for _, err = range r.Rows() {
			if err != nil {
				break
			}
		}
		var bad *BlockError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", c.file, err)
		}
	}
}
