package queuetest_test

import (
	"context"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

// A program's own test looks at what is in a tube.
func Example() {
	ctx := context.Background()
	srv, err := tnttest.Start(tnttest.InMemory())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	fake := queuetest.Attach(srv)
	fake.Create("mails", "fifo")
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Dialer: srv.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	client, err := queue.Open(ctx, conn)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = client.Close(ctx) }()

	_, err = client.Tube("mails").Put(ctx, "to Ann")
	fmt.Println(fake.Tasks("mails"), err)
	_, err = queue.Take[string](ctx, client.Tube("mails"))
	fmt.Println(fake.Tasks("mails"), err)
	// Output:
	// [{0 r to Ann}] <nil>
	// [{0 t to Ann}] <nil>
}
