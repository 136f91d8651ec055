package tnt_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
)

func ExampleScan() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	// Everything, two tuples at a time.
	for user, err := range tnt.Scan(ctx, conn, tnt.Select{Space: "users"}, 2) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user)
	}
	// Output:
	// [id: 1, name: "Ann", age: 20]
	// [id: 2, name: "Bob", age: 30]
	// [id: 3, name: "Cid", age: 40]
}

func ExampleScanAs() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	// From a key on, backwards.
	sel := tnt.Select{Space: "users", Key: tnt.K(2), Iterator: iproto.IterLE}
	for user, err := range tnt.ScanAs[User](ctx, conn, sel, 100) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.ID, user.Name)
	}
	// Output:
	// 2 Bob
	// 1 Ann
}
