package crudtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/crudtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func customers(t *testing.T, fake *crudtest.Router) {
	t.Helper()
	no := false
	err := fake.CreateSpace(tnttest.SpaceDef{
		Name: "customers",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"},
			{Name: "bucket_id", Type: "unsigned"},
			{Name: "name", Type: "string"},
			{Name: "age", Type: "number", IsNullable: true},
		},
		Indexes: []tnttest.IndexDef{
			{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "bucket_id", Unique: &no, Parts: []tnttest.Part{{Field: 2, Type: "unsigned"}}},
			{Name: "age", Unique: &no, Parts: []tnttest.Part{{Field: 4, Type: "number", IsNullable: true}}},
			{Name: "name", Unique: &no, Parts: []tnttest.Part{{Field: 3, Type: "string"}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// beyond are cases of what takes several storages, or an argument that crud
// checks and the fake does not.
var beyond = []string{
	"timeout", "unknown option", "option of wrong type", "no arguments", "beyond bucket_count", "bucket_id of a wrong type", "insert_many: rollback", "insert_many: stop",
	"vshard_router", "stop, noreturn", "mode unknown", "no key", "bucket_id wrong", "unknown operation", "yield_every", "no such space",
	"select: bucket_id", "fields empty", "delete field", "splice", "min: fields", "select: value of wrong type", "count: bucket_id",
}

// The fake answers as a router did, request by request, on its own spaces.
func TestRecorded(t *testing.T) {
	lines := recordedtest.Load(t, "../../crud/testdata/crud-3.8.jsonl", 244)
	srv := tnttest.Run(t)
	customers(t, crudtest.Attach(srv))
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	compared := 0
	for _, l := range lines[:180] {
		args := l.Arguments(t)
		if l.Function == "" || len(args) == 0 || args[0] != "customers" || strings.Contains(l.Function, "schema") {
			continue
		}
		if slices.ContainsFunc(beyond, func(part string) bool { return strings.Contains(l.Case, part) }) {
			follow(t, srv, l)
			continue
		}
		resp, err := conn.Do(t.Context(), tnt.Call{Function: l.Function, Args: args})
		if wrong := l.Differs(resp, err, shape); wrong != "" {
			t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
		}
		compared++
	}
	if compared < 110 {
		t.Errorf("%d lines were compared", compared)
	}
}

// follow stores what the recorded router stored in a case that is not compared.
func follow(t *testing.T, srv *tnttest.Server, l recordedtest.Line) {
	t.Helper()
	values, _ := l.Values()
	if len(values) == 0 || strings.HasPrefix(l.Function, "crud.select") || strings.HasPrefix(l.Function, "crud.get") {
		return
	}
	m, _ := values[0].(map[string]any)
	rows, _ := m["rows"].([]any)
	for _, row := range rows {
		if fields := row.([]any); len(fields) >= 3 {
			if err := srv.Space("customers").Replace(fields...); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// shape is an answer without texts.
func shape(values []any) string { return "rows " + rowsOf(values) + ", errors " + failuresOf(values) }

// rowsOf are the rows of an answer in an order of their own, or the number that
// it is.
func rowsOf(values []any) string {
	if len(values) == 0 || values[0] == nil {
		return "none"
	}
	m, ok := values[0].(map[string]any)
	if !ok {
		return fmt.Sprint(values[0])
	}
	list, _ := m["rows"].([]any)
	var rows []string
	for _, row := range list {
		rows = append(rows, fmt.Sprint(row))
	}
	slices.Sort(rows)
	return fmt.Sprint(rows)
}

// failuresOf are the errors of an answer: of one its class, of several what they
// are about.
func failuresOf(values []any) string {
	if len(values) < 2 || values[1] == nil {
		return "none"
	}
	if m, ok := values[1].(map[string]any); ok {
		return fmt.Sprint(m["class_name"])
	}
	return fmt.Sprint(len(values[1].([]any)))
}
