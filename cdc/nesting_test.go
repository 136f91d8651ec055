package cdc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest"
)

func listed(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// TestNesting reads rows by Options.MaxNesting of the server that is followed. A Tuple
// that is nested more deeply is one that can't be read; an operation that is ends the
// feed, because it would be another one without its argument.
func TestNesting(t *testing.T) {
	docs := tnttest.WithSpace(tnttest.SpaceDef{
		Name: "docs", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "doc", Type: "any"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	})
	for _, nesting := range []int{3, 0, 1000} {
		onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
			servers := of(srv)
			servers[0].MaxNesting = nesting
			most := nesting
			if most == 0 {
				most = tnt.DefaultMaxNesting
			}
			want := fmt.Sprintf("nested more than %d deep (Options.MaxNesting)", most)
			space := srv.Space("docs")
			insert := func(id, n int) {
				t.Helper()
				if err := space.Replace(id, listed(n-1)); err != nil {
					t.Fatal(err)
				}
			}
			insert(1, most)
			insert(2, most+1)
			if _, err := space.Update([]any{1}, []any{"=", 1, listed(most)}); err != nil {
				t.Fatal(err)
			}
			if _, err := space.Update([]any{2}, []any{"=", 1, listed(most + 1)}); err != nil {
				t.Fatal(err)
			}
			read := map[string]int{}
			var last error
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of the bubble
			defer cancel()
			for tx, err := range Mirror(Stream(ctx, servers, Options{From: Origin, Spaces: []string{"docs"}})).All() {
				if last = err; err != nil {
					break
				}
				for _, c := range tx.Changes {
					if c.Op != Replace && c.Op != Update {
						continue
					}
					if c.Op == Replace {
						id, _ := c.Tuple.At(0)
						var row []any
						err1, err2 := c.Tuple.Decode(&row), c.New.Decode(&row)
						for _, err := range []error{err1, err2} {
							switch {
							case id == int64(1) && err != nil:
								t.Errorf("%d levels: %.200v", most, err)
							case id == int64(2) && (err == nil || !strings.Contains(err.Error(), want)):
								t.Errorf("%d levels: %.200v", most+1, err)
							}
						}
					} else if b, err := mp.Widest.AppendValue(nil, c.Ops[0].Args[0]); err != nil || len(b) != most+1 {
						t.Errorf("an argument of %d levels has %d bytes, %v", most, len(b), err)
					}
					read[fmt.Sprint(c.Op)]++
				}
			}
			if last == nil || !strings.Contains(last.Error(), want) {
				t.Errorf("the feed ends with %.200v", last)
			}
			if fmt.Sprint(read) != "map[replace:2 update:1]" {
				t.Errorf("it had %v", read)
			}
		}, docs)
	}
	for _, n := range []int{-1, 10_001} {
		f := Stream(t.Context(), []tnt.Options{{Address: "memory:1", MaxNesting: n}}, Options{})
		if err := failure(t, f); !strings.Contains(err.Error(), fmt.Sprintf("MaxNesting is %d", n)) {
			t.Error(err)
		}
	}
}
