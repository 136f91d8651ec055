package tnttest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

func ExampleStart() {
	srv, err := tnttest.Start(tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "users",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1}}}},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	// Any connector of any language can connect to srv.Addr() now.

	users := srv.Space("users")
	if err := users.Insert(1, "Ann"); err != nil {
		log.Fatal(err)
	}
	if err := users.Insert(1, "Bob"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(users.Get(1))
	// Output:
	// Duplicate key exists in unique index "pk" in space "users" with old tuple - [1, "Ann"] and new tuple - [1, "Bob"] (ER_TUPLE_FOUND, 3)
	// [1 Ann] <nil>
}

func ExampleServer_HandleFunc() {
	srv, err := tnttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	err = srv.HandleFunc("greet", func(_ context.Context, name string) (string, error) {
		return "Hello, " + name, nil
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleServer_Inject() {
	srv, err := tnttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	// The next CALL is executed, but the connection breaks before its answer.
	remove := srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
	defer remove()
	fmt.Println(len(srv.Requests()))
	// Output: 0
}

// A server's log has what a test says, in the order that it says.
func ExampleServer_Emit() {
	srv, err := tnttest.Start(tnttest.WithSpace(tnttest.SpaceDef{
		Name: "goods", Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	// Instance 2 wrote a synchronous transaction: followers get it when it is
	// confirmed.
	lsn, err := srv.Emit(tnttest.LogRow{Type: iproto.TypeInsert, ReplicaID: 2, Space: "goods", Tuple: []any{1}, Synchronous: true})
	fmt.Println(lsn, err)
	lsn, err = srv.Emit(tnttest.LogRow{Type: iproto.TypeRaftConfirm, ReplicaID: 2, Of: 2, UpTo: lsn})
	fmt.Println(lsn, err)
	// Output:
	// 1 <nil>
	// 2 <nil>
}
