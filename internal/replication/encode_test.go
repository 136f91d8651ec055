package replication_test

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
)

// What is encoded is decoded again as it was.
func TestAppendRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lsn := rapid.Uint64Range(1, 1<<40).Draw(t, "lsn")
		row := replication.Row{
			Type: iproto.TypeInsert, Sync: rapid.Uint64Range(0, 300).Draw(t, "sync"),
			ReplicaID: uint32(rapid.IntRange(0, 31).Draw(t, "id")), LSN: lsn, TSN: lsn,
			Timestamp: rapid.Float64Range(0, 1e10).Draw(t, "time"),
			Flags:     rapid.SampledFrom([]replication.Flags{0, replication.FlagWaitAck, replication.FlagWaitSync | replication.FlagWaitAck}).Draw(t, "flags"),
			Body:      rapid.SampledFrom([][]byte{nil, {0x80}, {0x81, 0x10, 0xcd, 2, 0}}).Draw(t, "body"),
		}
		if rapid.Bool().Draw(t, "of several") {
			row.HasTSN, row.TSN = true, lsn-rapid.Uint64Range(0, lsn-1).Draw(t, "back")
			if row.TSN != lsn && rapid.Bool().Draw(t, "last") {
				row.Flags |= replication.FlagCommit
			}
		}
		r := mp.NewReader(replication.AppendRow(nil, &row))
		got, err := replication.DecodeRow(&r)
		if err != nil || r.Len() != 0 {
			t.Fatalf("%v, %d bytes left", err, r.Len())
		}
		if !reflect.DeepEqual(row, got) {
			t.Errorf("%+v is read as %+v", row, got)
		}
	})
}

// The only row of a transaction says neither TSN nor that it is the last.
func TestAppendRowAlone(t *testing.T) {
	plain := replication.Row{Type: iproto.TypeInsert, ReplicaID: 1, LSN: 7, TSN: 7}
	last := plain
	last.HasTSN, last.Flags = true, replication.FlagCommit
	if a, b := replication.AppendRow(nil, &plain), replication.AppendRow(nil, &last); !bytes.Equal(a, b) {
		t.Errorf("%x, not %x", b, a)
	}
}
