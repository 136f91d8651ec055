package tnt_test

import (
	"fmt"
	"log"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/schema"
)

func ExampleTupleOf() {
	format := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "name"})
	tuple, err := tnt.TupleOf([]byte{0x92, 0x01, 0xa3, 'o', 'n', 'e'}, format)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tuple)
	// Output: [id: 1, name: "one"]
}

func TestTupleOfRefusesWhatIsNone(t *testing.T) {
	for _, b := range [][]byte{nil, {0x01}, {0x92, 0x01}, {0x91, 0x01, 0x02}, {0x80}} {
		if tuple, err := tnt.TupleOf(b, nil); err == nil {
			t.Errorf("% x is %v", b, tuple)
		}
	}
}
