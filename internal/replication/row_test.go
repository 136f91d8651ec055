package replication

import (
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// appendHeader appends a header of pairs of keys and numbers.
func appendHeader(pairs ...uint64) []byte {
	b := mp.AppendMapLen(nil, len(pairs)/2)
	for _, v := range pairs {
		b = mp.AppendUint(b, v)
	}
	return b
}

func TestDecodeRow(t *testing.T) {
	const typ, id, group, lsn, tsn, flags = uint64(iproto.KeyRequestType), uint64(iproto.KeyReplicaID), uint64(iproto.KeyGroupID),
		uint64(iproto.KeyLSN), uint64(iproto.KeyTSN), uint64(iproto.KeyFlags)
	insert := uint64(iproto.TypeInsert)
	for _, c := range []struct {
		name   string
		header []byte
		tsn    uint64
		last   bool
	}{
		{"alone", appendHeader(typ, insert, id, 1, lsn, 51), 51, true},
		{"first of several", appendHeader(typ, insert, id, 1, lsn, 48, tsn, 0), 48, false},
		{"second of several", appendHeader(typ, insert, id, 1, lsn, 49, tsn, 1), 48, false},
		{"last of several", appendHeader(typ, insert, id, 1, lsn, 50, tsn, 2, flags, 1), 48, true},
		{"local with a negative difference", appendHeader(typ, insert, group, 1, lsn, 3, tsn, ^uint64(48)), 52, false},
		{"negative, and written so", append(appendHeader(typ, insert, group, 1, lsn, 3)[:0:0],
			append([]byte{0x84}, append(appendHeader(typ, insert, group, 1, lsn, 3)[1:], byte(tsn), 0xd0, 0xcf)...)...), 52, false},
		{"unknown keys", appendHeader(typ, insert, id, 1, lsn, 51, 300, 7), 51, true},
	} {
		r := mp.NewReader(append(c.header, 0x80))
		row, err := DecodeRow(&r)
		if err != nil || row.TSN != c.tsn || row.Last() != c.last || row.Type != iproto.TypeInsert || r.Len() != 0 {
			t.Errorf("%s: %+v, %v, %d bytes left", c.name, row, err, r.Len())
		}
	}
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{[]byte{0x01}, "not a map"},
		{appendHeader(typ, insert, id, 32), "more than 31"},
		{appendHeader(typ, 1<<40), "32 bits"},
		{append(appendHeader(typ, insert), 0x90), "not a map"},
		{append(appendHeader(typ, insert), 0x81), "msgpack"},
	} {
		r := mp.NewReader(c.b)
		if _, err := DecodeRow(&r); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
			t.Errorf("% x: error %v, wanted one with %q", c.b, err, c.want)
		}
	}
}

func TestNopHasNoBody(t *testing.T) {
	b := append(appendHeader(0, uint64(iproto.TypeNop), 3, 5), appendHeader(0, uint64(iproto.TypeInsert), 3, 6)...)
	r := mp.NewReader(append(b, 0x80))
	for _, lsn := range []uint64{5, 6} {
		if row, err := DecodeRow(&r); err != nil || row.LSN != lsn {
			t.Fatalf("row %+v, %v, wanted LSN %d", row, err, lsn)
		}
	}
}

func TestVClockBytes(t *testing.T) {
	v := types.VClock{1: 121, 2: 5, 31: 1 << 40}
	r := mp.NewReader(AppendVClock(nil, v))
	if got := ReadVClock(&r); got != v || r.Err() != nil || r.Len() != 0 {
		t.Errorf("%v, %v", got, r.Err())
	}
	r = mp.NewReader(appendHeader(32, 1))
	if ReadVClock(&r); r.Err() == nil {
		t.Error("id 32 was taken")
	}
}

func FuzzDecodeRow(f *testing.F) {
	f.Add(append(appendHeader(0, 2, 2, 1, 3, 48, 8, 0), 0x82, 0x10, 0xcd, 0x02, 0x00, 0x21, 0x91, 0x01))
	f.Add(append(appendHeader(0, 40, 2, 1, 3, 48), 0x82, 0x02, 0x01, 0x03, 0x05))
	f.Add(append(appendHeader(0, 0, 3, 1), 0x82, 0x26, 0x81, 0x01, 0x05, 0x5a, 0x01))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := mp.NewReader(b)
		a := Assembler{Max: 1 << 20}
		var q Queue
		for r.Len() > 0 {
			row, err := DecodeRow(&r)
			if err != nil {
				return
			}
			if _, err := DecodeBody(row.Type, row.Body); err != nil {
				return
			}
			tx, err := a.Add(row)
			if err != nil {
				return
			}
			if tx == nil {
				continue
			}
			if _, err := q.Add(*tx, false); err != nil {
				return
			}
		}
		if a.Rows()+q.Len() > len(b) {
			t.Fatalf("%d rows and %d transactions of %d bytes", a.Rows(), q.Len(), len(b))
		}
	})
}
