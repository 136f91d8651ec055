package crudtest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/crudtest"
)

// A program's own test: without a cluster, and without Tarantool.
func Example() {
	ctx := context.Background()
	srv, err := tnttest.Start(tnttest.InMemory())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	err = crudtest.Attach(srv).CreateSpace(tnttest.SpaceDef{
		Name:    "users",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "bucket_id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Dialer: srv.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	type user struct {
		ID   int    `tnt:"id"`
		Name string `tnt:"name"`
	}
	routers := crud.New(conn)
	ann, err := crud.InsertObject[user](ctx, routers, "users", map[string]any{"id": 1, "name": "Ann"})
	fmt.Println(ann, err)
	_, err = crud.InsertObject[user](ctx, routers, "users", ann)
	var failed *crud.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Class, failed.Duplicate())
	}
	// Output:
	// {1 Ann} <nil>
	// InsertError true
}
