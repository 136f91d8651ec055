package tnttest_test

import (
	"context"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/gotnt/tnt/tnttest"
)

func ExampleRunReplicaSet() {
	// A test of how a program takes a failover.
	_ = func(t *testing.T) {
		rs := tnttest.RunReplicaSet(t, 3)
		if err := rs.SetReadOnly(0, true); err != nil { // an operator at work
			t.Fatal(err)
		}
		if err := rs.Promote(2); err != nil {
			t.Fatal(err)
		}
		leader, err := rs.WaitLeader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("the program should write to %s now", rs.Addrs()[leader])
	}
}

func ExampleRunReal() {
	schema := tnttest.Schema{Spaces: []tnttest.SpaceDef{{
		Name:    "users",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id"), tnttest.NonUniqueIndex("name", "name")},
	}}}
	// The same test on the embedded server, and on a real one where it is found.
	test := func(t *testing.T, url string) { t.Log("the program connects to", url) }
	_ = func(t *testing.T) {
		t.Run("embedded", func(t *testing.T) { test(t, tnttest.Run(t, tnttest.WithSchema(schema)).URL()) })
		t.Run("real", func(t *testing.T) { test(t, tnttest.RunReal(t, schema).URL()) })
	}
}

func ExampleProc1() {
	srv, err := tnttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	// A function that clients call for what it does.
	tnttest.Proc1(srv, "forget", func(_ context.Context, id uint64) error {
		fmt.Println("forgotten:", id)
		return nil
	})
}

func ExampleStartReplicaSet() {
	rs, err := tnttest.StartReplicaSet(3, tnttest.WithElectionDelay(20*time.Millisecond), tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "users",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id")},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = rs.Close() }()
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	// Give rs.Addrs() to the program under test. In a test, RunReplicaSet does
	// all of this.

	if err := rs.Instance(0).Space("users").Insert(1, "Ann"); err != nil {
		log.Fatal(err)
	}
	if err := rs.Kill(0); err != nil { // the leader
		log.Fatal(err)
	}
	leader, err := rs.WaitLeader(context.Background())
	fmt.Println(rs.Name(leader), err)
	fmt.Println(rs.Instance(leader).Space("users").Get(1))
	// Output:
	// r1 <nil>
	// [1 Ann] <nil>
}

func ExampleReplicaSet_Freeze() {
	rs, err := tnttest.StartReplicaSet(3, tnttest.WithElectionDelay(20*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = rs.Close() }()
	// A frozen leader answers nobody, and does not know that it is none any more.
	if err := rs.Freeze(0); err != nil {
		log.Fatal(err)
	}
	leader, err := rs.WaitLeader(context.Background())
	fmt.Println(rs.Name(leader), err)
	fmt.Println(rs.Thaw(0))
	// Output:
	// r1 <nil>
	// <nil>
}

func ExampleServer_HandleExecute() {
	srv, err := tnttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	type user struct {
		ID   uint64 `tnt:"id"`
		Name string `tnt:"name"`
	}
	// Rows, with metadata by the fields of the struct.
	err = srv.HandleExecute("SELECT id, name FROM users WHERE id = ?", func(id uint64) ([]user, error) {
		return []user{{id, "Ann"}}, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// A count of rows and the ids that were made.
	err = srv.HandleExecute("INSERT INTO users (name) VALUES (:name)", func(name string) tnttest.SQLResult {
		return tnttest.SQLResult{RowCount: 1, AutoIncrement: []int64{2}}
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleSchema_Lua() {
	schema := tnttest.Schema{Spaces: []tnttest.SpaceDef{{
		Name:    "users",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Name: "id"}}, AutoIncrement: true}, tnttest.NonUniqueIndex("name", "name")},
	}}}
	lua, err := schema.Lua()
	fmt.Print(lua, err)
	// Output:
	// do
	//   local s = box.schema.space.create("users", {if_not_exists = true, format = {{name = "id", type = "unsigned"}, {name = "name", type = "string"}, }})
	//   s:create_index("pk", {if_not_exists = true, id = 0, type = "tree", unique = true, parts = {{field = 1, type = "unsigned"}, }, sequence = true})
	//   s:create_index("name", {if_not_exists = true, id = 1, type = "tree", unique = false, parts = {{field = 2, type = "string"}, }})
	// end
	// <nil>
}

func ExampleWithSchema() {
	srv, err := tnttest.Start(tnttest.WithSchema(tnttest.Schema{
		Sequences: []tnttest.SequenceDef{{Name: "orders", Start: 1000}},
		Spaces: []tnttest.SpaceDef{{
			Name:    "orders",
			Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "item", Type: "string"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Name: "id"}}, Sequence: "orders"}},
		}},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	orders := srv.Space("orders")
	for _, item := range []string{"tea", "cake"} {
		if err := orders.Insert(nil, item); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(orders.All())
	// Output: [[1000 tea] [1001 cake]] <nil>
}
