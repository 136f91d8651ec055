package mp

import (
	"reflect"
	"testing"
	"unsafe"
)

// oneWay can only be written, as its field has no form.
type oneWay struct{ C chan int }

func (oneWay) MarshalMsg(b []byte) ([]byte, error) { return AppendNil(b), nil }

func TestPlanAfterOneThatFailed(t *testing.T) {
	type both struct {
		M oneWay
		C chan int
	}
	if _, err := PlanOf(reflect.TypeFor[both]()); err == nil {
		t.Error("a channel has a plan behind a type that marshals itself")
	}
}

// ignorant marshals itself without a look at what it should append to.
type ignorant struct{ n int }

func (v ignorant) MarshalMsg([]byte) ([]byte, error) {
	b := AppendArrayLen(nil, v.n)
	for range v.n {
		b = AppendNil(b)
	}
	return b, nil
}

func TestMarshalKeepsWhatIsThere(t *testing.T) {
	const before = "0123456789"
	for n := range 20 {
		out, err := marshal([]byte(before), ignorant{n}, 0)
		if err != nil || len(out) != len(before)+len(AppendArrayLen(nil, n))+n || string(out[:len(before)]) != before {
			t.Errorf("of %d: %q, %v", n, out, err)
		}
	}
}

func TestRowsOfPointersByName(t *testing.T) {
	type user struct {
		Name string `tnt:"name"`
		City string `tnt:"city"`
	}
	row := AppendString(AppendString(AppendArrayLen(nil, 2), "Paris"), "Ann")
	plan, err := PlanOf(reflect.TypeFor[*user]())
	if err != nil {
		t.Fatal(err)
	}
	var got *user
	r := NewReader(row)
	if plan.DecodeRow(&r, unsafe.Pointer(&got), named{"city", "name"}); r.Err() != nil {
		t.Fatal(r.Err())
	}
	if want := (user{"Ann", "Paris"}); *got != want || !plan.ByName() {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	r = NewReader(AppendNil(nil))
	if plan.DecodeRow(&r, unsafe.Pointer(&got), named{"city", "name"}); got != nil || r.Err() != nil {
		t.Errorf("nil has become %v, %v", got, r.Err())
	}
}
