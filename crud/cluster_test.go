package crud_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/clustertest"
	"github.com/gotnt/tnt/internal/tarantool"
)

type customer struct {
	ID     uint64   `tnt:"id"`
	Bucket *uint64  `tnt:"bucket_id"`
	Name   string   `tnt:"name"`
	Age    *float64 `tnt:"age"`
}

// listed is a customer as the list of its fields.
type listed struct {
	ID     uint64
	Bucket *uint64
	Name   string
	Age    *float64
}

// A real cluster, once for all parts of the test.
func TestRealCluster(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		cluster := clustertest.StartSharded(t, p)
		conn, err := tnt.Connect(t.Context(), cluster.Instances["router"].Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		version, err := tnt.One[string](t.Context(), conn, tnt.Eval{Expr: "return _TARANTOOL .. ', crud ' .. require('crud')._VERSION"})
		t.Logf("Tarantool %s (%v)", version, err)
		client := crud.New(conn)
		t.Run("one", func(t *testing.T) { realOne(t, client) })
		t.Run("many", func(t *testing.T) { realMany(t, client) })
		t.Run("reading", func(t *testing.T) { realReading(t, client) })
		t.Run("about", func(t *testing.T) { realAbout(t, client) })
		t.Run("dead replica set", func(t *testing.T) {
			cluster.Instances["s2a"].Kill()
			cluster.Instances["s2b"].Kill()
			realDead(t, client)
		})
	})
}

func realOne(t *testing.T, c crud.Client) {
	ctx := t.Context()
	got, err := crud.InsertObject[customer](ctx, c, "customers", customer{ID: 1, Name: "Ann"})
	if err != nil || got.Bucket == nil || got.Name != "Ann" {
		t.Fatalf("%+v, %v", got, err)
	}
	var e *crud.Error
	if _, err = crud.InsertObject[customer](ctx, c, "customers", customer{ID: 1, Name: "Ann"}); !errors.As(err, &e) || !e.Duplicate() {
		t.Errorf("a duplicate: %v", err)
	}
	if _, err = crud.InsertObject[customer](ctx, c, "customers", map[string]any{"id": 2, "name": "Bob", "age": 20}); err != nil {
		t.Error(err)
	}
	got, err = crud.Update[customer](ctx, c, "customers", 2, []crud.Op{crud.OpAdd("age", 1), crud.OpAssign(2, "Rob")})
	if err != nil || *got.Age != 21 || got.Name != "Rob" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = crud.Update[customer](ctx, c, "customers", 99, []crud.Op{crud.OpAdd("age", 1)}); !errors.Is(err, crud.ErrNoTuple) {
		t.Errorf("an update of nothing: %v", err)
	}
	err = crud.UpsertObject(ctx, c, "customers", map[string]any{"id": 2, "name": "x"}, []crud.Op{crud.OpAssign("name", "Bob")})
	if err != nil {
		t.Error(err)
	}
	byName, err := crud.Get[map[string]any](ctx, c, "customers", []any{2}, crud.GetOptions{Fields: []string{"name"}, Reading: crud.Reading{Write: true}})
	if err != nil || fmt.Sprint(byName) != "map[name:Bob]" {
		t.Errorf("%v, %v", byName, err)
	}
	if got, err = crud.Delete[customer](ctx, c, "customers", 2); err != nil || got.ID != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = crud.Get[customer](ctx, c, "customers", 2); !errors.Is(err, crud.ErrNoTuple) {
		t.Errorf("what is deleted: %v", err)
	}
	got, err = crud.Replace[customer](ctx, c, "customers", listed{ID: 1, Name: "Ann"}, crud.WriteOptions{NoReturn: true})
	if err != nil || got.ID != 0 {
		t.Errorf("without return: %+v, %v", got, err)
	}
}

func realMany(t *testing.T, c crud.Client) {
	ctx := t.Context()
	var all []customer
	for id := range uint64(20) {
		all = append(all, customer{ID: id + 1, Name: fmt.Sprint("c", id+1)})
	}
	rows, err := crud.InsertObjectMany[customer](ctx, c, "customers", all)
	var many *crud.ManyError
	if len(rows) != 19 || !errors.As(err, &many) || len(many.Errors) != 1 || !many.Errors[0].Duplicate() {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if about, err := crud.Operation[customer](many.Errors[0]); err != nil || about.ID != 1 || about.Name != "c1" {
		t.Errorf("the error is about %+v, %v", about, err)
	}
	objects := []map[string]any{{"id": 21, "name": "c21"}, {"id": 22, "name": 7}}
	if rows, err = crud.ReplaceObjectMany[customer](ctx, c, "customers", objects); len(rows) != 1 || !errors.As(err, &many) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	err = crud.UpsertMany(ctx, c, "customers", []crud.Upserted{
		{Tuple: listed{ID: 1, Name: "x"}, Ops: []crud.Op{crud.OpAssign("age", 5)}}, {Tuple: listed{ID: 22, Name: "c22"}},
	})
	if err != nil {
		t.Error(err)
	}
	err = crud.UpsertObjectMany(ctx, c, "customers", []crud.Upserted{{Tuple: map[string]any{"id": 23}}})
	if !errors.As(err, &many) {
		t.Errorf("an object without its name: %v", err)
	}
}

func realReading(t *testing.T, c crud.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var ids []uint64
	for row, err := range crud.Pages[customer](ctx, c, "customers", []crud.Cond{crud.Ge("id", 3)}, 4) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row.ID)
	}
	if len(ids) != 20 || ids[0] != 3 || ids[19] != 22 {
		t.Errorf("got %v", ids)
	}
	ids = nil
	type named struct {
		ID   uint64 `tnt:"id"` // that crud adds, to go on from
		Name string `tnt:"name"`
	}
	for row, err := range crud.Pages[named](ctx, c, "customers", nil, 3, crud.SelectOptions{Fields: []string{"name"}, First: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row.ID)
	}
	if len(ids) != 7 || ids[6] != 7 {
		t.Errorf("got %v", ids)
	}
	rows, err := crud.Select[customer](ctx, c, "customers", nil, crud.SelectOptions{First: -2, After: listed{ID: 5}})
	if err != nil || len(rows) != 2 || rows[0].ID != 3 {
		t.Errorf("backwards: %+v, %v", rows, err)
	}
	first, err1 := crud.Min[customer](ctx, c, "customers", "")
	last, err2 := crud.Max[customer](ctx, c, "customers", "pk")
	if err := errors.Join(err1, err2); err != nil || first.ID != 1 || last.ID != 22 {
		t.Errorf("from %d to %d, %v", first.ID, last.ID, err)
	}
	n, err := crud.Count(ctx, c, "customers", []crud.Cond{crud.Lt("id", 11)})
	if err != nil || n != 10 {
		t.Errorf("counted %d, %v", n, err)
	}
	if n, err = crud.Len(ctx, c, "customers"); err != nil || n != 22 {
		t.Errorf("%d in all, %v", n, err)
	}
	_, err = crud.Min[customer](ctx, c, "customers", "nope")
	var e *crud.Error
	if !errors.As(err, &e) || e.Class != "BorderError" {
		t.Errorf("an index that is not there: %v", err)
	}
	_, err = crud.Select[customer](ctx, c, "customers", nil, crud.SelectOptions{YieldEvery: -1})
	if !errors.As(err, &e) || errors.Is(err, errcode.ProcLua) {
		t.Errorf("an option that is no good: %v", err)
	}
}

func realAbout(t *testing.T, c crud.Client) {
	ctx := t.Context()
	one, err := crud.Schema(ctx, c, "customers")
	if err != nil || one.Format.Len() != 4 || len(one.Indexes) != 2 || one.Indexes[1].Name != "age" {
		t.Errorf("%+v, %v", one, err)
	}
	all, err := crud.Schemas(ctx, c)
	if err != nil || all["customers"].Format.Len() != 4 {
		t.Errorf("%+v, %v", all, err)
	}
	storages, err := crud.StorageInfo(ctx, c)
	if err != nil || len(storages) != 4 {
		t.Errorf("%+v, %v", storages, err)
	}
	if stats, err := crud.Stats(ctx, c, "customers"); err != nil || len(stats) != 0 {
		t.Errorf("statistics that nobody keeps: %+v, %v", stats, err)
	}
}

// What crud itself does, as the package's documentation says.
func realDead(t *testing.T, c crud.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	rows, err := crud.Select[customer](ctx, c, "customers", nil, crud.SelectOptions{Common: crud.Common{Timeout: 500 * time.Millisecond}, FullScan: true})
	t.Logf("a select with a dead replica set: %d rows of 22, %v", len(rows), err)
	if err == nil && len(rows) == 22 {
		t.Error("all rows are there")
	}
	if _, err := crud.Count(ctx, c, "customers", nil, crud.CountOptions{Common: crud.Common{Timeout: 500 * time.Millisecond}, FullScan: true}); err == nil {
		t.Error("a count is no error")
	}
	began := time.Now()
	if err := crud.Truncate(ctx, c, "customers"); err == nil {
		t.Error("a truncate is no error")
	}
	if took := time.Since(began); took > 4500*time.Millisecond {
		t.Errorf("it took %v of 4 s", took)
	}
}
