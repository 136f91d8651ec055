package mp

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// same compares values as they come from a Reader.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case decimal.Decimal:
		b, ok := b.(decimal.Decimal)
		return ok && types.FormatDecimal(a) == types.FormatDecimal(b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if !same(a[k], b[k]) {
				return false
			}
		}
		return true
	case map[any]any: // keys may be NaN or pointers, which find nothing
		b, ok := b.(map[any]any)
		return ok && len(a) == len(b)
	case *types.Error:
		b, ok := b.(*types.Error)
		if !ok || a == nil || b == nil {
			return ok && a == b
		}
		return a.Error() == b.Error() && a.File == b.File && a.Line == b.Line && a.Errno == b.Errno &&
			len(a.Fields) == len(b.Fields) && same(a.Cause, b.Cause)
	}
	return reflect.DeepEqual(a, b)
}

func addSeeds(f *testing.F) {
	f.Helper()
	for _, v := range []any{
		nil, true, -5, uint64(math.MaxUint64), 1.5, "text",
		[]byte{1},
		[]any{1, []any{"x"}},
		map[string]any{"a": 1, "b": nil},
		map[any]any{1: 2, "x": 3},
		decimal.RequireFromString("-1.50"), time.Unix(5, 6).UTC(),
		types.Interval{Day: 1},
		&types.Error{Type: "T", Message: "m", Fields: map[string]any{"a": 1}, Cause: &types.Error{}},
		types.Extension{Type: 42, Data: []byte{1, 2, 3}},
		fullValue(),
	} {
		b, err := AppendValue(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	b, _ := hex.DecodeString("c705070092 01a178"[:10] + "9201a178")
	f.Add(b)
}

// What is read can be written, and is the same when it is read again.
func FuzzValue(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(data)
		v := r.Value()
		if r.Err() != nil {
			return
		}
		s := NewReader(data)
		if raw := s.Raw(); s.Err() != nil || len(raw) != len(data)-r.Len() {
			t.Fatalf("skipped %d bytes of %d: %v", len(raw), len(data)-r.Len(), s.Err())
		}
		b, err := AppendValue(nil, v)
		if err != nil {
			// A zone may have had a local time that Tarantool does not take.
			if bytes.Contains([]byte(err.Error()), []byte("datetime: the offset")) {
				return
			}
			t.Fatal(v, err)
		}
		r = NewReader(b)
		if again := r.Value(); r.Err() != nil || r.Len() != 0 || !same(v, again) {
			t.Fatalf("%#v becomes %#v, %v", v, again, r.Err())
		}
	})
}

func FuzzError(f *testing.F) {
	for _, e := range []*types.Error{{}, {Type: "T", Message: "m", Code: 3, Fields: map[string]any{"a": []any{1}}, Cause: &types.Error{Line: 5}}} {
		b, err := AppendError(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(data)
		e := DecodeError(&r)
		if r.Err() != nil || e == nil {
			if e != nil {
				t.Fatal("an error beside an error")
			}
			return
		}
		_ = e.Error()
		b, err := AppendError(nil, e)
		if err != nil {
			if bytes.Contains([]byte(err.Error()), []byte("datetime: the offset")) || bytes.Contains([]byte(err.Error()), []byte("nested")) {
				return
			}
			t.Fatal(err)
		}
		r = NewReader(b)
		if again := DecodeError(&r); r.Err() != nil || !same(e, again) {
			t.Fatalf("%#v becomes %#v, %v", e, again, r.Err())
		}
	})
}

// A struct with everything in it, and a row that is read the quick way, the
// latter against the same row read by way of values.
func FuzzPlan(f *testing.F) {
	addSeeds(f)
	v := fullValue()
	b, err := AppendRow(nil, &v, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(benchData()[:200])
	f.Fuzz(func(t *testing.T, data []byte) {
		var all, again everything
		r := NewReader(data)
		if DecodeInto(&r, &all) == nil {
			if b, err := AppendRow(nil, &all, nil); err == nil {
				r = NewReader(b)
				if err := DecodeInto(&r, &again); err != nil {
					t.Fatalf("%x: %v", b, err)
				}
			}
		}
		var row benchRow
		r = NewReader(data)
		err := DecodeInto(&r, &row)
		r = NewReader(data)
		list, ok := r.Value().([]any)
		if r.Err() != nil || !ok || len(list) < 4 || err != nil {
			return
		}
		if id, ok := list[0].(int64); ok && uint64(id) != row.ID {
			t.Fatalf("%v is %+v", list, row)
		}
		if name, ok := list[1].(string); ok && name != row.Name {
			t.Fatalf("%v is %+v", list, row)
		}
		if score, ok := list[2].(int64); ok && score != row.Score {
			t.Fatalf("%v is %+v", list, row)
		}
		if ratio, ok := list[3].(float64); ok && math.Float64bits(ratio) != math.Float64bits(row.Ratio) {
			t.Fatalf("%v is %+v", list, row)
		}
	})
}

// FuzzNames reads any value as rows of types that are bound by names, with
// formats for tuples inside.
func FuzzNames(f *testing.F) {
	addSeeds(f)
	for _, seed := range []string{"93010203", "c70507019301a178c0", "92c70507019301a178c005", "83a2696401a7757365725f696402a14503", "9401a16bc0c0"} {
		b, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	type user struct {
		ID    int `tnt:"id"`
		Name  *string
		Price float64 `tnt:"price,round"`
		*Base
	}
	type all struct {
		User  user
		Users []user
		Map   map[string]any
		Keys  map[int]string
		Null  sql.NullInt64
		Money money
		Level level
		Own   keeper
		Any   any
	}
	formats := Formats{1: named{"id", "name", "price"}, 2: named{"id", "id"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, dst := range []any{new(user), new(*user), new([]user), new(all), new(map[string]any), new(map[any]any), new(int), new(sql.NullString), new(level), new(byHidden)} {
			p, err := PlanOf(reflect.TypeOf(dst).Elem())
			if err != nil {
				t.Fatal(err)
			}
			for _, names := range []Format{nil, formats[1], formats[2]} {
				r := SettingsOf(formats).Reader(data)
				p.DecodeRow(&r, reflect.ValueOf(dst).UnsafePointer(), names)
				if r.Err() == nil {
					_, _ = AppendValue(nil, dst)
				}
			}
		}
	})
}
