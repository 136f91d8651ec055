package mp

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gotnt/tnt/types"
)

// nestings are the bounds that are tried.
var nestings = []int{1, 3, DefaultNesting, 1000, MaxNesting}

// in returns a value inside of n others, each with head before it.
func in(n int, head string, value ...byte) []byte {
	return append(bytes.Repeat([]byte(head), n), value...)
}

// A box is an extension with a value in it, behind what is before that.
type box struct {
	typ    int8
	before string
}

var (
	tupleBox = box{types.ExtTuple, "\x01\x91"}
	errorBox = box{types.ExtError, "\x81\x00\x91\x81\x06\x81\xa1f"}
)

// boxed returns n levels of boxes, with value in the innermost.
func boxed(n int, b box, value ...byte) []byte {
	heads := make([][]byte, n+1)
	heads[n] = value
	for i, size := n-1, len(value); i >= 0; i-- {
		heads[i] = append(AppendExtLen(nil, b.typ, len(b.before)+size), b.before...)
		size += len(heads[i])
	}
	return slices.Concat(heads...)
}

type (
	nestedList   []nestedList
	nestedMap    map[string]nestedMap
	nestedKeys   map[int]nestedKeys
	nestedStruct struct{ In *nestedStruct }
	nestedField  struct{ In any }
	nestedAsList struct {
		In *nestedAsList `tnt:",array"`
	}
	nestedPointer *nestedPointer
	rawMessage    []byte
)

func (m *rawMessage) UnmarshalMsg(b []byte) ([]byte, error) {
	*m = append((*m)[:0], b...)
	return nil, nil
}
func (m rawMessage) MarshalMsg(b []byte) ([]byte, error) { return append(b, m...), nil }

// TestNestingOfWhatIsRead reads values that are nested as deeply as the Settings allow,
// and one level more, by every way of reading.
func TestNestingOfWhatIsRead(t *testing.T) {
	named := SettingsOf(Formats{1: named{"f"}})
	for name, c := range map[string]struct {
		dst   any
		value func(n int) []byte
		named bool
	}{
		"lists":            {new(any), func(n int) []byte { return in(n, "\x91", 1) }, false},
		"empty lists":      {new(any), func(n int) []byte { return in(n-1, "\x91", 0x90) }, false},
		"maps":             {new(any), func(n int) []byte { return in(n, "\x81\xa1k", 1) }, false},
		"maps of numbers":  {new(any), func(n int) []byte { return in(n, "\x81\x01", 1) }, false},
		"maps of both":     {new(any), func(n int) []byte { return in(n-1, "\x82\xa1k\x01\x01", 0x80) }, false},
		"tuples":           {new(any), func(n int) []byte { return boxed(n, tupleBox, 1) }, false},
		"errors":           {new(any), func(n int) []byte { return boxed(n, errorBox, 1) }, false},
		"errors in fields": {new(types.Error), func(n int) []byte { return boxed(n, errorBox, 1) }, false},
		"typed lists":      {new(nestedList), func(n int) []byte { return in(n-1, "\x91", 0x90) }, false},
		"typed tuples":     {new(nestedList), func(n int) []byte { return boxed(n-1, tupleBox, 0x90) }, false},
		"fixed lists":      {new([1]any), func(n int) []byte { return in(n, "\x91", 1) }, false},
		"typed maps":       {new(nestedMap), func(n int) []byte { return in(n-1, "\x81\xa1k", 0x80) }, false},
		"maps by numbers":  {new(nestedKeys), func(n int) []byte { return in(n-1, "\x81\x01", 0x80) }, false},
		"maps of names":    {new(map[string]any), func(n int) []byte { return boxed(1, tupleBox, in(n-1, "\x91", 1)...) }, true},
		"structs by name":  {new(nestedStruct), func(n int) []byte { return in(n, "\x81\xa2In", 0xc0) }, false},
		"structs by place": {new(nestedStruct), func(n int) []byte { return in(n, "\x91", 0xc0) }, false},
		"structs, boxed":   {new(nestedStruct), func(n int) []byte { return boxed(n, tupleBox, 0xc0) }, false},
		"fields":           {new(nestedField), func(n int) []byte { return in(n, "\x91", 1) }, false},
		"pointers to some": {new(**nestedField), func(n int) []byte { return in(n-1, "\x91", 1) }, false},
		"by UnmarshalMsg":  {new(rawMessage), func(n int) []byte { return in(n, "\x91", 1) }, false},
		"boxed, likewise":  {new(rawMessage), func(n int) []byte { return boxed(1, tupleBox, in(n-1, "\x91", 1)...) }, false},
	} {
		for _, nesting := range nestings {
			if name == "pointers to some" && nesting == 1 {
				continue // the pointer to the pointer is one
			}
			settings := NewSettings(nesting)
			if c.named {
				settings = settings.WithFormatsOf(named)
			}
			plan, err := PlanOf(reflect.TypeOf(c.dst).Elem())
			if err != nil {
				t.Fatal(err)
			}
			read := func(n int) error {
				r := settings.Reader(c.value(n))
				plan.Decode(&r, reflect.ValueOf(c.dst).UnsafePointer())
				if r.Err() == nil && (r.Len() > 0 || r.depth != settings.start()) {
					t.Errorf("%s, %d levels: %d bytes are left at a depth of %d", name, n, r.Len(), r.depth)
				}
				return r.Err()
			}
			bounded(t, fmt.Sprintf("%s, of %d", name, nesting), nesting, read)
			if nesting > 1 {
				continue
			}
			if err := read(MaxNesting * 2); err == nil {
				t.Errorf("%s: far too many levels are read", name)
			}
		}
	}
}

// bounded checks that n levels are taken and that one more is an error with the bound.
func bounded(t *testing.T, what string, n int, do func(n int) error) {
	t.Helper()
	if err := do(n); err != nil {
		t.Errorf("%s: as many levels: %.200v", what, err)
	}
	want := fmt.Sprintf("value is nested more than %d deep (Options.MaxNesting)", n)
	if err := do(n + 1); err == nil || !strings.Contains(err.Error(), want) || !isTooDeep(err) {
		t.Errorf("%s: one more level: %.200v", what, err)
	}
}

// valuer has a Value that is what it holds.
type valuer struct{ v any }

func (v valuer) Value() (driver.Value, error) { return v.v, nil }

// TestNestingOfWhatIsWritten is that of what is read, the other way.
func TestNestingOfWhatIsWritten(t *testing.T) {
	lists := func(n int) any {
		var v any = 1
		for range n {
			v = []any{v}
		}
		return v
	}
	built := func(leaf any, around func(v any) any) func(n int) any {
		return func(n int) any {
			v := leaf
			for range n {
				v = around(v)
			}
			return v
		}
	}
	type holder struct{ V any }
	type asList struct {
		In struct{ V any } `tnt:",array"`
	}
	for name, value := range map[string]func(n int) any{
		"lists":           lists,
		"maps":            built(1, func(v any) any { return map[string]any{"k": v} }),
		"maps of numbers": built(1, func(v any) any { return map[int]any{1: v} }),
		"typed lists":     built(nestedList{}, func(v any) any { return nestedList{v.(nestedList)} }),
		"typed maps":      built(nestedMap{}, func(v any) any { return nestedMap{"k": v.(nestedMap)} }),
		"fixed lists":     built(1, func(v any) any { return [1]any{v} }),
		"structs":         built(1, func(v any) any { return holder{v} }),
		"pointers to":     built(1, func(v any) any { return &holder{v} }),
		"errors":          built(1, func(v any) any { return &types.Error{Fields: map[string]any{"f": v}} }),
	} {
		for _, nesting := range nestings {
			levels := func(n int) any { return value(n) }
			if strings.HasPrefix(name, "typed") { // the innermost is a level
				levels = func(n int) any { return value(n - 1) }
			}
			settings := NewSettings(nesting)
			bounded(t, fmt.Sprintf("%s, of %d", name, nesting), nesting, func(n int) error {
				_, err := settings.AppendValue(nil, levels(n))
				return err
			})
			bounded(t, fmt.Sprintf("%s in a tuple, of %d", name, nesting), nesting, func(n int) error {
				_, err := settings.AppendNested(nil, levels(n-1), 1)
				if n == 1 { // there is nothing around nothing
					_, err = settings.AppendNested(nil, 1, 1)
				}
				return err
			})
		}
	}
	for name, c := range map[string]func(s *Settings, n int) ([]byte, error){
		"a row":            func(s *Settings, n int) ([]byte, error) { return s.AppendRow(nil, holder{lists(n - 1)}, nil) },
		"a pointer to one": func(s *Settings, n int) ([]byte, error) { return s.AppendRow(nil, &holder{lists(n - 1)}, nil) },
		"a list as a row":  func(s *Settings, n int) ([]byte, error) { return s.AppendRow(nil, lists(n), nil) },
		"a key":            func(s *Settings, n int) ([]byte, error) { return s.AppendKey(nil, holder{lists(n - 1)}, nil) },
		"by MarshalMsg": func(s *Settings, n int) ([]byte, error) {
			return s.AppendValue(nil, rawMessage(in(n, "\x91", 1)))
		},
		"by MarshalMsg, inside": func(s *Settings, n int) ([]byte, error) {
			return s.AppendValue(nil, []any{rawMessage(in(n-1, "\x91", 1))})
		},
		"a struct as a list": func(s *Settings, n int) ([]byte, error) {
			var v asList
			if v.In.V = lists(n - 2); n == 1 {
				return s.AppendValue(nil, []any{1})
			}
			return s.AppendValue(nil, v)
		},
	} {
		for _, nesting := range nestings {
			settings := NewSettings(nesting)
			bounded(t, fmt.Sprintf("%s, of %d", name, nesting), nesting, func(n int) error {
				_, err := c(settings, n)
				return err
			})
		}
	}
	// What a Valuer returns is a level below it.
	settings := NewSettings(3)
	bounded(t, "a Valuer", 3, func(n int) error {
		_, err := settings.AppendValue(nil, valuer{lists(n - 1)})
		return err
	})
}

// TestStackOfDeepValues bounds the stack that a peer can make a reader take, by every
// way that calls itself.
func TestStackOfDeepValues(t *testing.T) {
	const most = 64 << 20 // a goroutine ends at a gigabyte, or a quarter of that with 32 bits
	for name, c := range map[string]struct {
		dst   any
		value []byte
	}{
		"lists":            {new(any), in(MaxNesting, "\x91", 1)},
		"maps":             {new(any), in(MaxNesting, "\x81\xa1k", 1)},
		"maps of both":     {new(any), in(MaxNesting-1, "\x82\xa1k\x01\x01", 0x80)},
		"tuples":           {new(any), boxed(MaxNesting, tupleBox, 1)},
		"errors":           {new(any), boxed(MaxNesting, errorBox, 1)},
		"typed lists":      {new(nestedList), in(MaxNesting-1, "\x91", 0x90)},
		"typed tuples":     {new(nestedList), boxed(MaxNesting-1, tupleBox, 0x90)},
		"typed maps":       {new(nestedMap), in(MaxNesting-1, "\x81\xa1k", 0x80)},
		"structs by name":  {new(nestedStruct), in(MaxNesting, "\x81\xa2In", 0xc0)},
		"structs, boxed":   {new(nestedStruct), boxed(MaxNesting, tupleBox, 0xc0)},
		"pointers":         {new(nestedPointer), in(1, "", 1)},
		"what is passed":   {new(struct{ Other int }), in(skipDepth-2, "\x81\xa1k", 1)},
		"structs as lists": {new(nestedAsList), in(MaxNesting, "\x91", 0xc0)},
	} {
		plan, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		done := make(chan error)
		go func() {
			r := Widest.Reader(c.value)
			plan.Decode(&r, reflect.ValueOf(c.dst).UnsafePointer())
			err := r.Err()
			runtime.ReadMemStats(&after) // its stack is as large as it was
			done <- err
		}()
		err = <-done
		if name == "pointers" {
			if !isTooDeep(err) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %.200v", name, err)
		}
		grown := int64(after.StackInuse) - int64(before.StackInuse)
		t.Logf("%s: %d KiB of stack", name, grown>>10)
		if grown > most {
			t.Errorf("%s: %d KiB of stack, more than %d", name, grown>>10, int64(most)>>10)
		}
		reflect.ValueOf(c.dst).Elem().SetZero()
	}
}

// TestErrorsOfDeepValues bounds the text that tells the way to what is wrong in a deep
// value, and what it takes to make it.
func TestErrorsOfDeepValues(t *testing.T) {
	value := in(MaxNesting-1, "\x81\xa2In", 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := Widest.Reader(value)
	err := DecodeInto(&r, new(nestedStruct))
	runtime.ReadMemStats(&after)
	if err == nil || len(err.Error()) > 2200 || !strings.Contains(err.Error(), "field ...In.In.") || !strings.HasSuffix(err.Error(), "got unsigned integer") {
		t.Errorf("%.3000v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("%d KiB were allocated for it", n>>10)
	}
}
