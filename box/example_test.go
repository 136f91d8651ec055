package box_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

// exampleServer starts a server for an example and connects to it.
func exampleServer() (conn *tnt.Conn, done func()) {
	srv, err := tnttest.Start(tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "tester",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1}}}},
	}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	if conn, err = tnt.Connect(context.Background(), srv.URL()); err != nil {
		log.Fatal(err)
	}
	return conn, func() { _ = errors.Join(conn.Disconnect(context.Background()), srv.Close()) }
}

func ExampleInfo() {
	conn, done := exampleServer()
	defer done()
	info, err := box.Info(context.Background(), conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Version, info.Status, info.RO)
	// Output: 3.8.0 running false
}

func ExampleUser() {
	conn, done := exampleServer()
	defer done()
	ctx := context.Background()

	alice := box.User("alice")
	if err := alice.Create(ctx, conn, box.Password("s3cret"), box.IfNotExists{}); err != nil {
		log.Fatal(err)
	}
	err := alice.Grant(ctx, conn, box.Grant{Privileges: "read,write", ObjectType: "space", Object: "tester"})
	if err != nil {
		log.Fatal(err)
	}
	grants, err := alice.Info(ctx, conn)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range grants {
		fmt.Printf("%s on %s %q\n", g.Privileges, g.ObjectType, g.Object)
	}
	err = alice.Create(ctx, conn)
	fmt.Println(errors.Is(err, errcode.UserExists))
	// Output:
	// execute on role "public"
	// read,write on space "tester"
	// session,usage on universe ""
	// alter on user "alice"
	// true
}

func ExampleRole() {
	conn, done := exampleServer()
	defer done()
	ctx := context.Background()

	alice, writer := box.User("alice"), box.Role("writer")
	for _, err := range []error{
		alice.Create(ctx, conn),
		writer.Create(ctx, conn),
		writer.Grant(ctx, conn, box.Grant{Privileges: "read,write", ObjectType: "universe"}),
		alice.Grant(ctx, conn, box.Grant{Privileges: "execute", ObjectType: "role", Object: "writer"}),
	} {
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(writer.Info(ctx, conn))
	// Output: [{read,write universe }] <nil>
}
