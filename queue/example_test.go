package queue_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

// fakeQueue is a server with a tube of mails, in the process.
func fakeQueue(ctx context.Context) (*queue.Client, func(), error) {
	srv, err := tnttest.Start(tnttest.InMemory())
	if err != nil {
		return nil, nil, err
	}
	queuetest.Attach(srv).Create("mails", "fifottl")
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Dialer: srv.DialContext})
	if err != nil {
		srv.Close()
		return nil, nil, err
	}
	client, err := queue.Open(ctx, conn)
	if err != nil {
		conn.Close()
		srv.Close()
		return nil, nil, err
	}
	return client, func() {
		_ = client.Close(ctx)
		conn.Close()
		srv.Close()
	}, nil
}

type exampleMail struct {
	To string `tnt:"to"`
}

func Example() {
	ctx := context.Background()
	client, closeAll, err := fakeQueue(ctx) // or queue.Open of a pool of real servers
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()

	mails := client.Tube("mails")
	_, err = mails.Put(ctx, exampleMail{To: "ann@example.org"}, queue.PutOptions{TTR: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	task, err := queue.Take[exampleMail](ctx, mails)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Data.To, task.Ack(ctx))
	// Output: ann@example.org <nil>
}

func ExampleWork() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, closeAll, err := fakeQueue(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	mails := client.Tube("mails")
	for _, to := range []string{"ann@example.org", "bob@example.org"} {
		if _, err := mails.Put(ctx, exampleMail{To: to}); err != nil {
			fmt.Println(err)
		}
	}

	sent := 0
	err = queue.Work(ctx, mails, queue.WorkOptions{Workers: 1, Touch: 10 * time.Second}, func(_ context.Context, task *queue.Task[exampleMail]) error {
		fmt.Println("sending to", task.Data.To)
		if sent++; sent == 2 {
			cancel() // as a signal to stop would
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// sending to ann@example.org
	// sending to bob@example.org
	// <nil>
}
