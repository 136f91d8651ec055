package tnt_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gotnt/tnt"
)

func TestRows(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for i := range 5 {
			if _, err := conn.Replace(testContext(t), "tester", []any{i, fmt.Sprint("n", i)}); err != nil {
				t.Fatal(err)
			}
		}
		type row struct {
			Name string `tnt:"name"`
			ID   int    `tnt:"id"`
		}
		var got []row
		for r, err := range tnt.Rows[row](testContext(t), conn, tnt.Select{Space: "tester"}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, r); len(got) == 3 {
				break
			}
		}
		equal(t, "the first rows", got, []row{{"n0", 0}, {"n1", 1}, {"n2", 2}})

		// One that does not decode ends it, behind those that do.
		n := 0
		var last error
		for _, err := range tnt.Rows[int](testContext(t), conn, tnt.Eval{Expr: "return 1, 2, 'three', 4"}) {
			if last = err; err == nil {
				n++
			}
		}
		var decode *tnt.DecodeError
		var re *tnt.RequestError
		if n != 2 || !errors.As(last, &decode) || !errors.As(last, &re) || re.Fate() != tnt.FateExecuted {
			t.Errorf("%d rows, then %v", n, last)
		}
		for _, err := range tnt.Rows[int](testContext(t), conn, tnt.Select{Space: "nowhere"}) {
			if err == nil {
				t.Error("an unknown space has rows")
			}
		}
	})
}
