package tnt_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
)

// fillForScan stores tuples 1 to n, whose names repeat.
func fillForScan(t *testing.T, conn *tnt.Conn, n int) {
	t.Helper()
	var reqs []tnt.Insert
	for i := range n {
		reqs = append(reqs, tnt.Insert{Space: "tester", Tuple: []any{i + 1, fmt.Sprintf("name%d", i%3), i, nil}})
	}
	for _, err := range tnt.Each[any](testContext(t), conn, reqs) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// scanIDs scans and returns the tuples' numbers.
func scanIDs(t *testing.T, conn *tnt.Conn, sel tnt.Select, page int) (ids []int64, err error) {
	t.Helper()
	for tuple, err := range tnt.Scan(testContext(t), conn, sel, page) {
		if err != nil {
			return ids, err
		}
		id, err := tuple.At(0)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id.(int64))
	}
	return ids, nil
}

// TestScan compares each scan with the one select that finds the same.
func TestScan(t *testing.T) {
	const n = 25
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fillForScan(t, conn, n)
		for name, sel := range map[string]tnt.Select{
			"all":                {Space: "tester"},
			"by number":          {SpaceID: conn.Schema().Space("tester").ID},
			"from":               {Space: "tester", Key: tnt.K(7), Iterator: tnt.IterGE},
			"behind":             {Space: "tester", Key: tnt.K(7), Iterator: tnt.IterGT},
			"down from":          {Space: "tester", Key: tnt.K(20), Iterator: tnt.IterLE},
			"down behind":        {Space: "tester", Key: tnt.K(20), Iterator: tnt.IterLT},
			"backwards":          {Space: "tester", Iterator: tnt.IterReq},
			"offset and limit":   {Space: "tester", Offset: 3, Limit: 11},
			"limit of whole":     {Space: "tester", Limit: n},
			"partial key":        {Space: "tester", Index: "name_id", Key: tnt.K("name1")},
			"partial, backwards": {Space: "tester", Index: "name_id", Key: tnt.K("name1"), Iterator: tnt.IterReq},
			"nothing":            {Space: "tester", Key: tnt.K(1000)},
		} {
			resp, err := conn.Do(testContext(t), sel)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			tuples, err := resp.Tuples()
			if err != nil {
				t.Fatal(err)
			}
			var want []int64
			for _, tuple := range tuples {
				id, _ := tuple.At(0)
				want = append(want, id.(int64))
			}
			for _, page := range []int{1, 4, 5, 24, 25, 26, 0} {
				got, err := scanIDs(t, conn, sel, page)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%s, pages of %d: got %v, %v, want %v", name, page, got, err, want)
				}
			}
		}
	})
}

func TestScanRefusesWhatIsNotExact(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fillForScan(t, conn, 10)
		got, err := scanIDs(t, conn, tnt.Select{Space: "tester", Index: "name"}, 3)
		if conn.Features().Has(tnt.FeaturePagination) {
			if err != nil || len(got) != 10 {
				t.Errorf("an index that is not unique: %v, %v", got, err)
			}
			return
		}
		var missing *tnt.FeatureError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), "unique") {
			t.Errorf("an index that is not unique: %v, %v", got, err)
		}
		if got, err = scanIDs(t, conn, tnt.Select{Space: "tester", Index: "name", Limit: 3}, 3); err != nil || len(got) != 3 {
			t.Errorf("one page of it: %v, %v", got, err)
		}
	})
}

func TestScanLeftEarly(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fillForScan(t, conn, 10)
		var last tnt.Tuple
		for tuple, err := range tnt.Scan(testContext(t), conn, tnt.Select{Space: "tester"}, 2) {
			if err != nil {
				t.Fatal(err)
			}
			if last = tuple; tuple.Raw()[1] == 5 {
				break
			}
		}
		got, err := scanIDs(t, conn, tnt.Select{Space: "tester", After: tnt.AfterTuple(last)}, 2)
		if err != nil || !slices.Equal(got, []int64{6, 7, 8, 9, 10}) {
			t.Errorf("going on behind a tuple: %v, %v", got, err)
		}
	})
}

func TestScanAcrossAReconnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fillForScan(t, conn, 10)
		var got []int64
		for tuple, err := range tnt.Scan(testContext(t), conn, tnt.Select{Space: "tester"}, 2) {
			if err != nil {
				t.Fatal(err)
			}
			id, _ := tuple.At(0)
			if got = append(got, id.(int64)); len(got) == 3 {
				if err := conn.Reconnect(testContext(t)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.Equal(got, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			t.Errorf("got %v", got)
		}
	})
}
