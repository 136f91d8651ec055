package replication

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// parseRow makes a row of "instance:lsn" and what may follow: "tsn=N",
// "flags=N", "local", "nop" or "confirm=id:lsn" and the like.
func parseRow(t *testing.T, s string) Row {
	t.Helper()
	words := strings.Fields(s)
	row := Row{Type: iproto.TypeReplace}
	if _, err := fmt.Sscanf(words[0], "%d:%d", &row.ReplicaID, &row.LSN); err != nil {
		t.Fatal(err)
	}
	row.TSN = row.LSN
	decisions := map[string]iproto.Type{
		"confirm": iproto.TypeRaftConfirm, "rollback": iproto.TypeRaftRollback,
		"promote": iproto.TypeRaftPromote, "demote": iproto.TypeRaftDemote,
	}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "tsn":
			row.HasTSN = true
			_, _ = fmt.Sscan(value, &row.TSN)
		case "flags":
			_, _ = fmt.Sscan(value, &row.Flags)
		case "local":
			row.GroupID = GroupLocal
		case "nop":
			row.Type = iproto.TypeNop
		default:
			var id, lsn uint64
			if _, err := fmt.Sscanf(value, "%d:%d", &id, &lsn); err != nil || decisions[name] == 0 {
				t.Fatalf("%q: %v", word, err)
			}
			row.Type = decisions[name]
			row.Body = mp.AppendUint(append(mp.AppendUint(append([]byte{0x82}, byte(iproto.KeyReplicaID)), id), byte(iproto.KeyLSN)), lsn)
		}
	}
	return row
}

func TestAssemble(t *testing.T) {
	for _, c := range []struct {
		name, rows, want string
	}{
		{"single rows", "1:1|1:2", "1:1|1:2"},
		{"three rows", "1:1 tsn=1|1:2 tsn=1|1:3 tsn=1 flags=1|1:4", "1:1 1:2 1:3|1:4"},
		{"a local row alone", "0:7 local|1:5", "0:7|1:5"},
		{"a local row first, the last without a TSN", "0:3 local tsn=52|1:52", "0:3 1:52"},
		{"a local row last", "1:53 tsn=53|0:4 local tsn=53 flags=1|1:54", "1:53 0:4|1:54"},
		{"the rest of a transaction", "1:2 tsn=1|1:3 tsn=1 flags=1", "first"},
		{"another begins before the end", "1:1 tsn=1|1:2", "last"},
		{"another instance's row", "1:1 tsn=1|2:2 tsn=1 flags=1", "last"},
		{"the end is missing", "1:1|1:2 tsn=2", "last"},
	} {
		var a Assembler
		var got []string
		err := error(nil)
		for line := range strings.SplitSeq(c.rows, "|") {
			var tx *Transaction
			if tx, err = a.Add(parseRow(t, line)); err != nil {
				break
			}
			if tx != nil {
				got = append(got, rowNames(tx.Rows))
			}
		}
		if err == nil {
			err = a.End()
		}
		var incomplete *IncompleteError
		switch {
		case c.want == "first" || c.want == "last":
			if !errors.As(err, &incomplete) || incomplete.Head != (c.want == "first") {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
		case err != nil || strings.Join(got, "|") != c.want:
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

func TestAssembleIsBounded(t *testing.T) {
	a := Assembler{Max: 1000}
	for lsn := range uint64(11) {
		if _, err := a.Add(Row{LSN: lsn + 1, TSN: 1, HasTSN: true}); err != nil {
			if !errors.Is(err, ErrTransactionTooLarge) || lsn != 10 {
				t.Errorf("row %d: %v", lsn, err)
			}
			return
		}
	}
	t.Error("more than 1000 bytes were taken")
}

func rowNames(rows []Row) string {
	var names []string
	for _, row := range rows {
		names = append(names, fmt.Sprintf("%d:%d", row.ReplicaID, row.LSN))
	}
	return strings.Join(names, " ")
}

// Each step is a row, and behind "->" what it lets go; "-" before a
// transaction says that it was rolled back.
func TestQueue(t *testing.T) {
	for _, c := range []struct {
		name    string
		noFlags bool
		steps   []string
	}{
		{"asynchronous", false, []string{"1:1 -> 1:1", "2:1 -> 2:1"}},
		{"confirmed", false, []string{"1:8 flags=6 ->", "1:9 confirm=1:8 -> 1:8 1:9", "1:10 -> 1:10"}},
		{"all behind it wait", false, []string{"1:8 flags=6 ->", "1:9 flags=2 ->", "2:1 ->", "1:10 confirm=1:8 -> 1:8 1:9 2:1 1:10"}},
		{"confirmed in part", false, []string{"1:8 flags=6 ->", "1:9 flags=6 ->", "1:10 confirm=1:8 -> 1:8", "1:11 confirm=1:9 -> 1:9 1:10 1:11"}},
		{
			"rolled back with those that wait behind it", false,
			[]string{"1:8 flags=6 ->", "1:9 flags=6 ->", "1:10 flags=2 ->", "2:5 ->", "1:11 rollback=1:9 ->", "1:12 confirm=1:8 -> 1:8 -1:9 -1:10 2:5 1:11 1:12"},
		},
		{"a new owner rolls back the rest", false, []string{"1:14 flags=6 ->", "1:15 flags=6 ->", "1:16 flags=2 ->", "2:1 promote=1:14 -> 1:14 -1:15 -1:16 2:1"}},
		{"a demotion", false, []string{"1:14 flags=6 ->", "1:15 demote=1:14 -> 1:14 1:15"}},
		{"NOPs of an old term wait for nothing", false, []string{"1:14 nop flags=4 -> 1:14", "1:15 nop -> 1:15"}},
		{"rows that were synchronous once, behind one that waits", false, []string{"2:1 flags=6 ->", "1:14 nop flags=4 ->", "2:2 rollback=2:1 -> -2:1 1:14 2:2"}},
		{"another's confirmation", false, []string{"1:14 flags=6 ->", "2:1 confirm=2:20 ->", "1:15 confirm=1:14 -> 1:14 2:1 1:15"}},
		{"without flags", true, []string{"1:8 sync ->", "1:9 ->", "1:10 rollback=1:8 -> -1:8 -1:9 1:10", "1:11 -> 1:11"}},
		{"without flags, confirmed", true, []string{"1:8 sync ->", "1:9 ->", "1:10 confirm=1:8 -> 1:8 1:9 1:10"}},
		{"decided on already", false, []string{"1:9 confirm=1:8 -> 1:9", "1:10 rollback=1:8 -> 1:10"}},
	} {
		q := Queue{NoFlags: c.noFlags}
		for _, step := range c.steps {
			line, want, _ := strings.Cut(step, "->")
			row := parseRow(t, strings.Replace(line, " sync", "", 1))
			free, err := q.Add(Transaction{Rows: []Row{row}, Size: 1}, strings.Contains(line, " sync"))
			if err != nil {
				t.Errorf("%s: %s: %v", c.name, step, err)
			}
			var got []string
			for _, tx := range free {
				name := rowNames(tx.Rows)
				if tx.RolledBack {
					name = "-" + name
				}
				got = append(got, name)
			}
			if strings.Join(got, " ") != strings.TrimSpace(want) {
				t.Errorf("%s: %s: let go %v", c.name, step, got)
			}
		}
		if q.Len() != 0 || q.Size() != 0 {
			t.Errorf("%s: %d transactions, %d bytes stay", c.name, q.Len(), q.Size())
		}
	}
}

func TestQueueReportsWhatCannotBe(t *testing.T) {
	var q Queue
	if _, err := q.Add(Transaction{Rows: []Row{parseRow(t, "1:14 flags=6")}}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Add(Transaction{Rows: []Row{parseRow(t, "3:1 promote=2:5")}}, false); err == nil {
		t.Error("a promotion that passes over a waiting transaction was taken")
	}
	q = Queue{Max: 100}
	if _, err := q.Add(Transaction{Rows: []Row{parseRow(t, "1:14 flags=6")}, Size: 101}, false); !errors.Is(err, ErrTooMuchPending) {
		t.Errorf("101 bytes: %v", err)
	}
}
