package tnttest_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// recordings is where the exchanges with a real server are.
const recordings = "testdata/golden"

// unrepeatable are the steps that carry values no other server can have, by
// the recordings' README: versions, UUIDs and what Lua answers.
var unrepeatable = map[string][]int{
	"proto/schema-version":    {1, 2, 3},
	"proto/missing-and-wrong": {29, 30}, // EVAL of Lua text
	"watch/builtin":           {1, 3},
}

func TestRecordings(t *testing.T) {
	for _, name := range []string{"dml", "tx", "page", "hand-dml", "hand-tx", "proto", "watch"} {
		t.Run(name, func(t *testing.T) {
			scenarios, err := golden.Read(filepath.Join(recordings, name+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range scenarios {
				t.Run(strings.ReplaceAll(s.Name, "/", "-"), func(t *testing.T) {
					t.Parallel()
					play(t, s)
				})
			}
		})
	}
}

func play(t *testing.T, s golden.Scenario) {
	srv := tnttest.Run(t, tnttest.WithSchema(schemaOf(t, s)))
	srv.HandleDemo()
	wrong, err := golden.Play(srv.Addr(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range unrepeatable[s.Name] {
		delete(wrong, i)
	}
	var report []string
	for i, text := range wrong {
		report = append(report, fmt.Sprintf("step %3d %s", i, text))
	}
	sort.Strings(report)
	if len(report) > 0 {
		t.Errorf("%d of %d answers differ:\n%s", len(report), len(s.Steps), strings.Join(report, "\n"))
	}
}

// schemaOf returns what a scenario's server starts with.
func schemaOf(t *testing.T, s golden.Scenario) tnttest.Schema {
	t.Helper()
	schema := tnttest.Schema{Users: map[string]string{"alice": "s3cret", "limited": ""}}
	for _, raw := range s.Schema {
		var def tnttest.SpaceDef
		if err := json.Unmarshal(raw, &def); err != nil {
			t.Fatal(err)
		}
		schema.Spaces = append(schema.Spaces, def)
	}
	return schema
}
