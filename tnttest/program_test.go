package tnttest_test

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// streamCount is in how many streams programs work; stream 0 is none.
const streamCount = 2

// program draws a program.
func (v dialect) program(t *rapid.T) []step {
	var program []step
	if v.streams && rapid.Bool().Draw(t, "begun") {
		for stream := uint64(1); stream <= streamCount; stream++ {
			b := frame(iproto.TypeBegin, stream, stream, nil)
			program = append(program, step{frame: b, text: describe(b)})
		}
	}
	n := rapid.IntRange(1, 30).Draw(t, "steps")
	for i := range n {
		program = append(program, v.step(t, uint64(10+i)))
	}
	return program
}

type spaceInfo struct {
	id      uint64
	indexes []indexInfo
	fields  []func(*rapid.T) []byte
}

type indexInfo struct {
	id    uint64
	hash  bool
	parts []func(*rapid.T) []byte
}

var spaceInfos = []spaceInfo{
	{
		512,
		[]indexInfo{
			{0, false, []func(*rapid.T) []byte{id}},
			{1, false, []func(*rapid.T) []byte{str}},
			{2, false, []func(*rapid.T) []byte{age, str}},
			{3, false, []func(*rapid.T) []byte{age}},
		},
		[]func(*rapid.T) []byte{id, str, age, anything},
	},
	{
		513,
		[]indexInfo{{0, true, []func(*rapid.T) []byte{str}}, {1, false, []func(*rapid.T) []byte{number}}, {2, true, []func(*rapid.T) []byte{number, str}}},
		[]func(*rapid.T) []byte{str, number, flag},
	},
	{
		514,
		[]indexInfo{{0, false, []func(*rapid.T) []byte{anyScalar}}, {1, false, []func(*rapid.T) []byte{anyScalar}}},
		[]func(*rapid.T) []byte{anyScalar, anyScalar, anything},
	},
	{
		515,
		[]indexInfo{{0, false, []func(*rapid.T) []byte{word}}, {1, false, []func(*rapid.T) []byte{word}}},
		[]func(*rapid.T) []byte{word, word},
	},
	{
		516,
		[]indexInfo{{0, false, []func(*rapid.T) []byte{small}}, {1, false, []func(*rapid.T) []byte{dec}}, {2, false, []func(*rapid.T) []byte{datetime}}},
		[]func(*rapid.T) []byte{small, dec, datetime},
	},
}

// oldSpaceInfos are those of servers before 3.x, whose scalars are no UUIDs.
var oldSpaceInfos = []spaceInfo{
	spaceInfos[0], spaceInfos[1],
	{
		514,
		[]indexInfo{{0, false, []func(*rapid.T) []byte{oldScalar}}, {1, false, []func(*rapid.T) []byte{oldScalar}}},
		[]func(*rapid.T) []byte{oldScalar, oldScalar, anything},
	},
	spaceInfos[3],
}

func id(t *rapid.T) []byte { return mp.AppendUint(nil, rapid.Uint64Range(0, 6).Draw(t, "id")) }

func str(t *rapid.T) []byte {
	return mp.AppendString(nil, rapid.SampledFrom([]string{"", "a", "b", "ab", "z"}).Draw(t, "str"))
}

func age(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{{0xc0}, {1}, {2}, {0xff}, {0x0a}}).Draw(t, "age")
}

func flag(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{{0xc0}, {0xc2}, {0xc3}}).Draw(t, "flag")
}

func number(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{
		{1},
		{2},
		{0xff},
		mp.AppendFloat64(nil, 1), mp.AppendFloat64(nil, 1.5), mp.AppendFloat32(nil, 0.5),
		mp.AppendUint(nil, 1<<63+1), mp.AppendInt(nil, -1<<40), decimalOf(0, "15"), decimalOf(1, "15"),
	}).Draw(t, "number")
}

func small(t *rapid.T) []byte {
	return mp.AppendInt(nil, rapid.Int64Range(-4, 4).Draw(t, "small"))
}

// decimalOf makes a decimal of an odd number of digits, or of two.
func decimalOf(scale int, digits string) []byte {
	data := mp.AppendInt(nil, int64(scale))
	if len(digits)%2 == 0 {
		digits = "0" + digits
	}
	for i := 0; i < len(digits)-1; i += 2 {
		data = append(data, (digits[i]-'0')<<4|(digits[i+1]-'0'))
	}
	data = append(data, (digits[len(digits)-1]-'0')<<4|0x0c)
	return mp.AppendExt(nil, 1, data)
}

func dec(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{
		{0xc0}, decimalOf(0, "1"), decimalOf(1, "15"), decimalOf(2, "150"), decimalOf(0, "12345678901234567890123456789012345678"),
	}).Draw(t, "decimal")
}

func datetime(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{
		{0xc0},
		mp.AppendExt(nil, 4, []byte{1, 0, 0, 0, 0, 0, 0, 0}), mp.AppendExt(nil, 4, []byte{2, 0, 0, 0, 0, 0, 0, 0}),
		mp.AppendExt(nil, 4, []byte{1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 60, 0, 0, 0}),
	}).Draw(t, "datetime")
}

func word(t *rapid.T) []byte {
	return mp.AppendString(nil, rapid.SampledFrom([]string{"", "a", "A", "b", "ä", "Ä", "z", "Straße", "strasse", "а", "Б", "a b", "_"}).Draw(t, "word"))
}

func anyScalar(t *rapid.T) []byte {
	return rapid.OneOf(rapid.Custom(oldScalar), rapid.Just(mp.AppendExt(nil, 2, make([]byte, 16)))).Draw(t, "scalar")
}

func oldScalar(t *rapid.T) []byte {
	return rapid.OneOf(
		rapid.Custom(number), rapid.Custom(str), rapid.Custom(flag), rapid.Just(mp.AppendBinary(nil, []byte{1, 2})),
	).Draw(t, "old scalar")
}

func anything(t *rapid.T) []byte {
	return rapid.SampledFrom([][]byte{
		{0xc0},
		{1},
		{0x90},
		{0x93, 1, 2, 3},
		{0x80},
		{0x82, 0xa1, 'a', 1, 0xa1, 'b', 0x92, 1, 2},
		{0x81, 0xa1, 'a', 0x81, 0xa1, 'b', 0x93, 1, 2, 3},
		{0x92, 0x92, 1, 2, 0x81, 0xa1, 'x', 5},
		{0xa2, 'x', 'y'},
		{0xca, 0x3f, 0, 0, 0},
	}).Draw(t, "anything")
}

// step draws a request.
func (v dialect) step(t *rapid.T, sync uint64) step {
	stream := uint64(0)
	types := []iproto.Type{
		iproto.TypeInsert, iproto.TypeReplace, iproto.TypeReplace, iproto.TypeSelect, iproto.TypeSelect,
		iproto.TypeUpdate, iproto.TypeUpdate, iproto.TypeDelete, iproto.TypeUpsert,
	}
	if v.streams {
		stream = rapid.Uint64Range(0, streamCount).Draw(t, "stream")
		if stream > 0 {
			types = append(types, iproto.TypeBegin, iproto.TypeBegin, iproto.TypeCommit, iproto.TypeRollback)
		}
	}
	spaces := spaceInfos
	if !v.messages {
		spaces = oldSpaceInfos
	}
	if rapid.Bool().Draw(t, "first space") { // more of them meet
		spaces = spaces[:1]
	}
	sp := rapid.SampledFrom(spaces).Draw(t, "space")
	typ := rapid.SampledFrom(types).Draw(t, "type")
	s := step{}
	s.frame = frame(typ, stream, sync, func(w *wire.BodyWriter) {
		switch typ {
		case iproto.TypeBegin, iproto.TypeCommit, iproto.TypeRollback:
			return
		}
		w.Uint(iproto.KeySpaceID, sp.id)
		switch typ {
		case iproto.TypeInsert, iproto.TypeReplace:
			w.Raw(iproto.KeyTuple, tupleOf(t, sp))
		case iproto.TypeUpsert:
			w.Raw(iproto.KeyTuple, tupleOf(t, sp))
			w.Raw(iproto.KeyOps, v.opsOf(t, sp))
		case iproto.TypeUpdate, iproto.TypeDelete:
			ix := rapid.SampledFrom(sp.indexes).Draw(t, "index")
			w.Uint(iproto.KeyIndexID, ix.id)
			w.Raw(iproto.KeyKey, keyOf(t, ix, true))
			if typ == iproto.TypeUpdate {
				w.Raw(iproto.KeyTuple, v.opsOf(t, sp))
			}
		case iproto.TypeSelect:
			v.selectOf(t, w, sp, stream, &s)
		}
	})
	s.text = describe(s.frame)
	return s
}

// selectOf draws a SELECT.
func (v dialect) selectOf(t *rapid.T, w *wire.BodyWriter, sp spaceInfo, stream uint64, s *step) {
	ix := rapid.SampledFrom(sp.indexes).Draw(t, "index")
	w.Uint(iproto.KeyIndexID, ix.id)
	if ix.hash {
		iterators := []iproto.Iterator{iproto.IterEq, iproto.IterAll}
		if v.messages { // older ones look at the key before the iterator
			iterators = append(iterators, iproto.IterGE)
		}
		w.Uint(iproto.KeyIterator, uint64(rapid.SampledFrom(iterators).Draw(t, "iterator")))
		w.Uint(iproto.KeyLimit, 100)
		w.Raw(iproto.KeyKey, keyOf(t, ix, false))
		s.unordered = true
		return
	}
	last := iproto.IterGT
	if v.messages {
		last = iproto.IterPP
	}
	it := rapid.Uint64Range(0, uint64(last)).Draw(t, "iterator")
	w.Uint(iproto.KeyIterator, it)
	s.limit = rapid.SampledFrom([]int{0, 1, 2, 100}).Draw(t, "limit")
	w.Uint(iproto.KeyLimit, uint64(s.limit))
	if stream == 0 {
		// What a transaction passed over counts as read if somebody changed it
		// lately: how lately depends on what the real server did before.
		w.Uint(iproto.KeyOffset, rapid.SampledFrom([]uint64{0, 0, 0, 1, 2}).Draw(t, "offset"))
	}
	w.Raw(iproto.KeyKey, keyOf(t, ix, false))
	if !v.messages {
		return
	}
	if rapid.Bool().Draw(t, "fetch position") {
		w.Bool(iproto.KeyFetchPosition, true)
	}
	if rapid.IntRange(0, 4).Draw(t, "after") == 0 {
		w.Raw(iproto.KeyAfterTuple, tupleOf(t, sp))
	}
}

func list(values ...[]byte) []byte {
	b := mp.AppendArrayLen(nil, len(values))
	for _, v := range values {
		b = append(b, v...)
	}
	return b
}

// tupleOf draws a tuple, most often one that fits the space.
func tupleOf(t *rapid.T, sp spaceInfo) []byte {
	values := make([][]byte, len(sp.fields))
	for i, f := range sp.fields {
		values[i] = f(t)
	}
	switch rapid.IntRange(0, 12).Draw(t, "tuple") {
	case 0:
		values = values[:rapid.IntRange(0, len(values)).Draw(t, "fields")]
	case 1:
		values[rapid.IntRange(0, len(values)-1).Draw(t, "field")] = anything(t)
	case 2:
		values = append(values, anything(t))
	}
	return list(values...)
}

func keyOf(t *rapid.T, ix indexInfo, exact bool) []byte {
	n := len(ix.parts)
	if !exact || rapid.IntRange(0, 9).Draw(t, "partial") == 0 {
		n = rapid.IntRange(0, n).Draw(t, "parts")
	}
	values := make([][]byte, n)
	for i := range values {
		values[i] = ix.parts[i](t)
	}
	if n > 0 && rapid.IntRange(0, 15).Draw(t, "key") == 0 {
		values[n-1] = anything(t)
	}
	return list(values...)
}

// opsOf draws operations of an update.
func (v dialect) opsOf(t *rapid.T, sp spaceInfo) []byte {
	most := 4
	if !v.messages { // older ones have bugs with several paths into one field
		most = 1
	}
	n := rapid.IntRange(0, most).Draw(t, "ops")
	ops := make([][]byte, n)
	for i := range ops {
		ops[i] = v.opOf(t, sp)
	}
	return list(ops...)
}

func (v dialect) opOf(t *rapid.T, sp spaceInfo) []byte {
	codes := []string{"=", "=", "!", "+", "-", "&", "|", "^", ":"}
	if v.messages { // older ones fill no gaps with nil, so there may be none
		codes = append(codes, "#")
	}
	code := rapid.SampledFrom(codes).Draw(t, "code")
	var field []byte
	if sp.id == 512 && rapid.Bool().Draw(t, "path") {
		field = mp.AppendString(nil, rapid.SampledFrom([]string{
			"extra", "extra[1]", "extra[2]", "extra[4]", "extra.a", "extra.b", "extra.a.b", "extra.a.b[2]", "extra[1][2]",
			"extra.b[1]", "extra.c", "extra[2].x", "extra[2].y", "age", "nosuch", "[3]", "[4].a", "extra[", "extra[*]", "extra.a.b[1]",
		}).Draw(t, "path"))
	} else {
		most := int64(5)
		if !v.messages {
			most = 1
		}
		field = mp.AppendInt(nil, rapid.Int64Range(-4, most).Draw(t, "field"))
	}
	op := [][]byte{mp.AppendString(nil, code), field}
	switch code {
	case ":":
		offset := mp.AppendInt(nil, rapid.Int64Range(-3, 3).Draw(t, "offset"))
		cut := mp.AppendInt(nil, rapid.Int64Range(-3, 3).Draw(t, "cut"))
		op = append(op, offset, cut, str(t))
	case "#":
		op = append(op, mp.AppendUint(nil, rapid.Uint64Range(0, 3).Draw(t, "count")))
	case "+", "-":
		op = append(op, number(t))
	case "&", "|", "^":
		op = append(op, id(t))
	default:
		i := rapid.IntRange(0, len(sp.fields)-1).Draw(t, "value")
		op = append(op, sp.fields[i](t))
	}
	return list(op...)
}

// describe prints a request.
func describe(b []byte) string {
	n, _, _ := wire.FrameSize(b)
	r := mp.NewReader(b[n:])
	h, err := wire.DecodeHeader(&r)
	if err != nil {
		return err.Error()
	}
	s := fmt.Sprint(h.Type)
	if h.StreamID != 0 {
		s += fmt.Sprintf(" in stream %d", h.StreamID)
	}
	for range r.MapLen() {
		s += fmt.Sprintf(" %v=%s", iproto.Key(r.Uint()), golden.Text(r.Raw()))
	}
	return s
}
