package tnt_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// pages returns a server with tuples to scan, of a version.
func pages(t *testing.T, version string) (*tnttest.Server, *tnt.Conn) {
	t.Helper()
	opts := []tnttest.Option{tnttest.WithSpace(tnttest.SpaceDef{
		Name: "s",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "inner", Type: "any", IsNullable: true},
		},
		Indexes: []tnttest.IndexDef{
			{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "name_id", Parts: []tnttest.Part{{Field: 2, Type: "string"}, {Field: 1, Type: "unsigned"}}},
			{Name: "name", Unique: new(false), Parts: []tnttest.Part{{Field: 2, Type: "string"}}},
			{Name: "any_case", Parts: []tnttest.Part{{Field: 2, Type: "string", Collation: "unicode_ci"}, {Field: 1, Type: "unsigned"}}},
		},
	})}
	if version != "" {
		opts = append(opts, tnttest.WithVersion(version))
	}
	srv := tnttest.Run(t, opts...)
	conn := connect(t, tnt.Options{Address: srv.Addr(), PingInterval: tnt.Never})
	for i := range 25 {
		do(t, conn, tnt.Insert{Space: "s", Tuple: []any{i + 1, fmt.Sprintf("name%d", i%3), nil}})
	}
	return srv, conn
}

// TestPagesOfScans compares scans with the one select that finds the same, by pages
// and by keys, and holds the pages to their size.
func TestPagesOfScans(t *testing.T) {
	for _, version := range []string{"", "2.6.0"} {
		srv, conn := pages(t, version)
		for name, sel := range map[string]tnt.Select{
			"all":                {},
			"from":               {Key: tnt.K(7), Iterator: iproto.IterGE},
			"behind":             {Key: tnt.K(7), Iterator: iproto.IterGT},
			"down from":          {Key: tnt.K(20), Iterator: iproto.IterLE},
			"down behind":        {Key: tnt.K(20), Iterator: iproto.IterLT},
			"backwards":          {Iterator: iproto.IterReq},
			"offset":             {Offset: 3},
			"offset and limit":   {Offset: 3, Limit: 11},
			"limit":              {Limit: 10},
			"limit of whole":     {Limit: 25},
			"one":                {Limit: 1},
			"partial key":        {Index: "name_id", Key: tnt.K("name1")},
			"partial, backwards": {Index: "name_id", Key: tnt.K("name1"), Iterator: iproto.IterReq},
			"whole key":          {Index: "name_id", Key: tnt.Parts("name1", 5)},
			"key of one":         {Key: tnt.K(5)},
			"nothing":            {Key: tnt.K(1000)},
		} {
			sel.Space = "s"
			var want []int64
			tuples, err := do(t, conn, sel).Tuples()
			if err != nil {
				t.Fatal(err)
			}
			for _, tuple := range tuples {
				id, _ := tuple.At(0)
				want = append(want, id.(int64))
			}
			for _, page := range []int{1, 4, 5, 24, 25, 26, 0} {
				before := len(srv.Requests())
				got, err := scanIDs(t, conn, sel, page)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("version %q, %s, pages of %d: got %v, %v, want %v", version, name, page, got, err, want)
				}
				asked := srv.Requests()[before:]
				for _, req := range asked {
					if limit, err := strconv.Atoi(fmt.Sprint(req.Body["LIMIT"])); err != nil || page > 0 && limit > page {
						t.Errorf("version %q, %s, pages of %d: asked for %d, %v", version, name, page, limit, err)
					}
				}
				if most := len(want)/max(page, 1) + 1; len(asked) > most {
					t.Errorf("version %q, %s, pages of %d: %d requests for %d tuples", version, name, page, len(asked), len(want))
				}
			}
		}
	}
}

// TestScansThatKeysCannotGoOn are refused before anything is sent, where keys are
// the only means.
func TestScansThatKeysCannotGoOn(t *testing.T) {
	_, conn := pages(t, "2.6.0")
	for want, sel := range map[string]tnt.Select{
		`index "name" is not unique`:                                    {Index: "name"},
		`has the same part 1, of type string, only the server can tell`: {Index: "any_case", Key: tnt.K("name1")},
	} {
		sel.Space = "s"
		before := conn.Stats().Requests
		got, err := scanIDs(t, conn, sel, 4)
		if err == nil || !strings.Contains(err.Error(), want) || !tnt.SafeToRetry(err) || conn.Stats().Requests != before {
			t.Errorf("got %v, %v, not %q", got, err, want)
		}
	}
	if got, err := scanIDs(t, conn, tnt.Select{Space: "s", Index: "any_case"}, 4); err != nil || len(got) != 25 {
		t.Errorf("all of an index with a collation: %v, %v", got, err)
	}
}

// TestScanAsLeftAndBroken leaves a typed scan early, and ends one with its error.
func TestScanAsLeftAndBroken(t *testing.T) {
	srv, conn := pages(t, "")
	type row struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	var got []row
	for r, err := range tnt.ScanAs[row](testContext(t), conn, tnt.Select{Space: "s"}, 4) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r); len(got) == 5 {
			break
		}
	}
	if len(got) != 5 || got[4] != (row{"name1", 5}) {
		t.Errorf("got %+v", got)
	}
	turns := 0
	for _, err := range tnt.ScanAs[struct {
		Name int `tnt:"name"`
	}](testContext(t), conn, tnt.Select{Space: "s"}, 4) {
		var bad *tnt.DecodeError
		var re *tnt.RequestError
		if turns++; !errors.As(err, &bad) || !errors.As(err, &re) || re.Fate() != tnt.FateExecuted {
			t.Errorf("a name as a number: %v", err)
		}
	}
	remove := srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Space: "s", Error: &tnt.Error{Code: errcode.AccessDenied, Message: "no"}})
	for _, err := range tnt.ScanAs[row](testContext(t), conn, tnt.Select{Space: "s"}, 4) {
		if turns++; !errors.Is(err, errcode.AccessDenied) {
			t.Errorf("a refusal: %v", err)
		}
	}
	remove()
	equal(t, "turns of two errors", turns, 2)
}
