package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
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
			"from":               {Space: "tester", Key: tnt.K(7), Iterator: iproto.IterGE},
			"behind":             {Space: "tester", Key: tnt.K(7), Iterator: iproto.IterGT},
			"down from":          {Space: "tester", Key: tnt.K(20), Iterator: iproto.IterLE},
			"down behind":        {Space: "tester", Key: tnt.K(20), Iterator: iproto.IterLT},
			"backwards":          {Space: "tester", Iterator: iproto.IterReq},
			"offset and limit":   {Space: "tester", Offset: 3, Limit: 11},
			"limit of whole":     {Space: "tester", Limit: n},
			"partial key":        {Space: "tester", Index: "name_id", Key: tnt.K("name1")},
			"partial, backwards": {Space: "tester", Index: "name_id", Key: tnt.K("name1"), Iterator: iproto.IterReq},
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
		if conn.Features().Has(iproto.FeaturePagination) {
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

func TestScanAs(t *testing.T) {
	type person struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
		Age  *int   `tnt:"age"`
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fillForScan(t, conn, 10)
		do(t, conn, tnt.Update{Space: "tester", Key: tnt.K(5), Ops: []tnt.Op{tnt.OpAssign("age", nil)}})
		var got []person
		for row, err := range tnt.ScanAs[person](testContext(t), conn, tnt.Select{Space: "tester"}, 3) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row)
		}
		if len(got) != 10 || got[4].ID != 5 || got[4].Name != "name1" || got[4].Age != nil || *got[3].Age != 3 {
			t.Errorf("got %+v", got)
		}
		rows := 0
		for _, err := range tnt.ScanAs[[]string](testContext(t), conn, tnt.Select{Space: "tester"}, 3) {
			var bad *tnt.DecodeError
			if rows++; !errors.As(err, &bad) {
				t.Errorf("numbers as strings: %v", err)
			}
		}
		equal(t, "an error is the last", rows, 1)
		for _, err := range tnt.ScanAs[func()](testContext(t), conn, tnt.Select{Space: "tester"}, 3) {
			if err == nil || !tnt.SafeToRetry(err) {
				t.Errorf("a type without a form: %v", err)
			}
		}
	})
}

// TestScanWhileOthersWrite has the loop delete what it sees and add what it
// has passed or is still to come to.
func TestScanWhileOthersWrite(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for id := 10; id <= 100; id += 10 {
			do(t, conn, tnt.Insert{Space: "tester", Tuple: []any{id, "x"}})
		}
		var got []int64
		for tuple, err := range tnt.Scan(testContext(t), conn, tnt.Select{Space: "tester", Limit: 14}, 2) {
			if err != nil {
				t.Fatal(err)
			}
			v, _ := tuple.At(0)
			id := v.(int64)
			got = append(got, id)
			do(t, conn, tnt.Delete{Space: "tester", Key: tnt.K(id)})
			switch id {
			case 40: // behind, and in the middle of what is to come
				do(t, conn, tnt.Insert{Space: "tester", Tuple: []any{5, "x"}})
				do(t, conn, tnt.Insert{Space: "tester", Tuple: []any{55, "x"}})
			case 60:
				do(t, conn, tnt.Delete{Space: "tester", Key: tnt.K(90)})
			}
		}
		equal(t, "seen", got, []int64{10, 20, 30, 40, 50, 55, 60, 70, 80, 100})
	})
}

// TestScanByKey is what may stand in the way of going on behind a key, on a
// server that has no other means.
func TestScanByKey(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithVersion("2.6.0"), tnttest.WithSpace(tnttest.SpaceDef{
		Name: "s",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"},
			{Name: "n", Type: "number"},
			{Name: "name", Type: "string", IsNullable: true},
		},
		Indexes: []tnttest.IndexDef{
			{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "hash", Type: "hash", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "nullable", Parts: []tnttest.Part{{Field: 3, Type: "string", IsNullable: true}}},
			{Name: "number", Parts: []tnttest.Part{{Field: 2, Type: "number"}, {Field: 1, Type: "unsigned"}}},
		},
	}))
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	for i := range 6 {
		do(t, conn, tnt.Insert{Space: "s", Tuple: []any{i, float64(i / 3), strconv.Itoa(i)}})
	}
	for index, want := range map[string]string{
		"pk": "", "number": "", "hash": "is of type HASH, not TREE", "nullable": "part 1 of index \"nullable\" is nullable",
	} {
		writes := conn.Stats().Writes
		got, err := scanIDs(t, conn, tnt.Select{Space: "s", Index: index}, 2)
		if want == "" {
			if err != nil || len(got) != 6 {
				t.Errorf("%s: %v, %v", index, got, err)
			}
			continue
		}
		failsWith(t, index, err, "has no pagination")
		failsWith(t, index, err, want)
		if !tnt.SafeToRetry(err) || conn.Stats().Writes != writes {
			t.Errorf("%s: something was sent: %v", index, err)
		}
	}
	_, err := scanIDs(t, conn, tnt.Select{Space: "s", Index: "number", Key: tnt.K(1)}, 2)
	failsWith(t, "some parts of a number", err, "only the server can tell")
	got, err := scanIDs(t, conn, tnt.Select{Space: "s", Index: "number", Key: tnt.K(1), Iterator: iproto.IterGE}, 2)
	if err != nil || !slices.Equal(got, []int64{3, 4, 5}) {
		t.Errorf("from a number: %v, %v", got, err)
	}
	got, err = scanIDs(t, conn, tnt.Select{Space: "s", Index: "number", Key: tnt.Parts(1, 4)}, 1)
	if err != nil || !slices.Equal(got, []int64{4}) {
		t.Errorf("a whole key: %v, %v", got, err)
	}
	_, err = scanIDs(t, conn, tnt.Select{Space: "s", Index: "pk", Key: tnt.K(1), Iterator: iproto.IterBitsAllSet}, 2)
	failsWith(t, "an iterator without order", err, "does not follow the order of the keys")
	_, err = scanIDs(t, conn, tnt.Select{Space: "s", After: tnt.AfterPosition("x")}, 2)
	failsWith(t, "a position", err, "only a server with pagination can read")

	without := connect(t, tnt.Options{Address: srv.Addr(), NoSchema: true})
	_, err = scanIDs(t, without, tnt.Select{SpaceID: conn.Schema().Space("s").ID}, 2)
	failsWith(t, "no schema", err, "the index is not known")
}

// TestScanInTransaction sees one state of the space, whatever others do.
func TestScanInTransaction(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fillForScan(t, conn, 6)
		stream := conn.Stream()
		if err := stream.Begin(testContext(t)); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range tnt.Scan(testContext(t), stream, tnt.Select{Space: "tester"}, 2) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > 1 {
				continue
			}
			other := conn.Stream()
			for _, req := range []tnt.Request{
				tnt.Begin{},
				tnt.Delete{Space: "tester", Key: tnt.K(1)}, // which the scan has seen, so it must not see
				tnt.Insert{Space: "tester", Tuple: []any{100, "x"}},
				tnt.Commit{},
			} {
				do(t, other, req)
			}
		}
		equal(t, "tuples of the transaction's view", n, 6)
		if err := stream.Rollback(testContext(t)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestScanOfServiceSpace reads an index that has no pages on any server.
func TestScanOfServiceSpace(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		all := do(t, conn, tnt.Select{Space: "_session_settings"}).Len()
		n := 0
		for _, err := range tnt.Scan(testContext(t), conn, tnt.Select{Space: "_session_settings"}, 2) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		equal(t, "settings", n, all)
	})
}

// TestScanBetweenServers goes on, after a restart, on a server that is older
// or newer than the one of the last page.
func TestScanBetweenServers(t *testing.T) {
	for _, versions := range [][]string{{"3.8.0", "2.6.0"}, {"2.6.0", "3.8.0"}} {
		first, second := scanServer(t, versions[0]), scanServer(t, versions[1])
		address := first.Addr()
		conn := connect(t, tnt.Options{Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}})
		var got []int64
		for tuple, err := range tnt.Scan(testContext(t), conn, tnt.Select{Space: "s"}, 2) {
			if err != nil {
				t.Fatalf("%v: %v", versions, err)
			}
			v, _ := tuple.At(0)
			if got = append(got, v.(int64)); len(got) == 3 {
				address = second.Addr()
				if err := conn.Reconnect(testContext(t)); err != nil {
					t.Fatal(err)
				}
			}
		}
		equal(t, fmt.Sprint(versions), got, []int64{0, 1, 2, 3, 4, 5, 6})
	}
}

func scanServer(t *testing.T, version string) *tnttest.Server {
	t.Helper()
	srv := tnttest.Run(t, tnttest.WithVersion(version), tnttest.WithSpace(tnttest.SpaceDef{
		Name: "s", Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	for i := range 7 {
		do(t, conn, tnt.Insert{Space: "s", Tuple: []any{i}})
	}
	return srv
}
