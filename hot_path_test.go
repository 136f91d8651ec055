package tnt

import (
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// BenchmarkEncode is the work of a caller before a select is sent.
func BenchmarkEncode(b *testing.B) {
	conn, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	spaces := []*schema.Space{{ID: 512, Name: "bench", Indexes: []*schema.Index{{Parts: []schema.Part{{}}}}}}
	for id := range uint32(40) { // about as many as a server has of its own
		spaces = append(spaces, &schema.Space{ID: 257 + id, Name: fmt.Sprintf("_space%d", id)})
	}
	l := &live{}
	l.setSchema(schema.New(87, spaces...))
	to := target{conn: conn, live: l, env: l.env.Load()}
	e := newEncoder(to.env)
	req := Select{Space: "bench", Key: K(1), Limit: 1}
	b.ReportAllocs()
	for b.Loop() {
		e.B = e.B[:0]
		if err = appendRequest(e, &to, 1<<20, &req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is the work of a caller once an answer of one row is there.
func BenchmarkDecode(b *testing.B) {
	type row struct {
		ID    uint64
		Name  string
		Age   int64
		Score float64
	}
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = append(w.B, 0xdd, 0, 0, 0, 1, 0x94)
	w.B = mp.AppendFloat64(mp.AppendInt(mp.AppendString(mp.AppendUint(w.B, 1), "name1"), 2), 1.5)
	body := w.End()
	var r row
	plan, err := mp.PlanOf(reflect.TypeFor[row]())
	if err != nil {
		b.Fatal(err)
	}
	a := &answer{exchange: exchange{body: body, env: &environment{}}, plan: plan, in: new(mp.Reader)}
	b.ReportAllocs()
	for b.Loop() {
		if err := a.find(nil); err != nil {
			b.Fatal(err)
		}
		plan.DecodeRow(a.in, unsafe.Pointer(&r), nil)
		if err := a.in.Err(); err != nil {
			b.Fatal(err)
		}
	}
}
