package luacall

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

func encode(tb testing.TB, v any) Value {
	tb.Helper()
	b, err := Encode(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// tagged is a tuple as a server with TupleFormats sends it.
func tagged(array Value) Value {
	return mp.AppendExt(nil, 7, append(mp.AppendUint(nil, 126), array...))
}

func TestTuplesOfAllForms(t *testing.T) {
	type row struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	array := encode(t, []any{7, "x"})
	names := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "name"})
	for _, v := range []Value{array, tagged(array)} {
		got, err := Decode[row](v, names)
		if err != nil || got != (row{"x", 7}) {
			t.Errorf("%+v, %v", got, err)
		}
		m, err := Decode[map[string]any](v, names)
		if err != nil || !reflect.DeepEqual(m, map[string]any{"id": int64(7), "name": "x"}) {
			t.Errorf("%+v, %v", m, err)
		}
		if items, ok := v.Items(); !ok || len(items) != 2 || items[0].Int() != 7 {
			t.Errorf("%v, %v", items, ok)
		}
	}
	var bad *tnt.DecodeError
	if _, err := Decode[row](encode(t, "text"), nil); !errors.As(err, &bad) {
		t.Error(err)
	}
	if got, err := Decode[*row](nil, nil); got != nil || err != nil {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

func TestMaps(t *testing.T) {
	v := encode(t, map[any]any{1: "number", "status": "active"})
	if got := v.Get("status").Text(); got != "active" {
		t.Errorf("got %q", got)
	}
	if got := v.Get("nope"); !got.IsNil() {
		t.Errorf("got %v", got)
	}
	if n := len(v.Values()); n != 2 {
		t.Errorf("%d values", n)
	}
	if encode(t, 1).Map(func(string, Value) {}) {
		t.Error("a number is a map")
	}
}

func TestTuple(t *testing.T) {
	type row struct {
		ID     int
		Bucket *int
	}
	got, err := List(row{ID: 1})
	if err != nil || !reflect.DeepEqual(got, encode(t, []any{1, nil})) {
		t.Errorf("% x, %v", got, err)
	}
	for _, v := range []any{nil, 1, map[string]any{}, tnt.Tuple{}, tnt.K(1)} {
		if got, err := List(v); err == nil {
			t.Errorf("%v is % x", v, got)
		}
	}
	if got, err := Tuple("key"); err != nil || got.Text() != "key" {
		t.Errorf("% x, %v", got, err)
	}
}

func TestTimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, c := range []struct {
		ctx        context.Context
		limit      time.Duration
		least      time.Duration
		most       time.Duration
		bounded    bool
		expectsErr bool
	}{
		{t.Context(), 0, 0, 0, false, false},
		{t.Context(), time.Second, time.Second, time.Second, true, false},
		{ctx, 0, 50 * time.Second, time.Minute, true, false},
		{ctx, time.Second, time.Second, time.Second, true, false},
	} {
		left, bounded, err := Timeout(c.ctx, c.limit)
		if left < c.least || left > c.most || bounded != c.bounded || (err != nil) != c.expectsErr {
			t.Errorf("%+v: %v, %v, %v", c, left, bounded, err)
		}
	}
	cancel()
	if _, _, err := Timeout(ctx, time.Second); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzValue(f *testing.F) {
	f.Add([]byte{0x92, 1, 0xa1, 'x'})
	f.Add([]byte(encode(f, map[any]any{1: "number", "status": []any{1, nil}})))
	f.Add([]byte(tagged(encode(f, []any{7, "x"}))))
	names := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "name"})
	f.Fuzz(func(_ *testing.T, b []byte) {
		v := Value(b)
		v.Map(func(_ string, value Value) { _, _ = value.Any() })
		v.Items()
		v.Values()
		_, _ = v.Text(), v.Int()
		_, _ = Decode[map[string]any](v, names)
		_, _ = Decode[struct {
			ID   int    `tnt:"id"`
			Name string `tnt:"name"`
		}](v, names)
	})
}
