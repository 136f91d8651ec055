package queue_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

// The module gives the number of the newest task again once that is gone. An Ack whose
// answer is lost must not end the task that has its number then, which another worker
// of the same client has taken meanwhile.
func TestNumberIsGivenAgain(t *testing.T) {
	for _, finish := range []string{"ack", "delete", "bury"} {
		t.Run(finish, func(t *testing.T) {
			for range 30 { // who comes first on the new connection is a matter of chance
				synctest.Test(t, func(t *testing.T) { numberIsGivenAgain(t, finish) })
			}
		})
	}
}

func numberIsGivenAgain(t *testing.T, finish string) {
	srv := tnttest.Run(t, tnttest.InMemory())
	w := world{srv: srv, fake: queuetest.Attach(srv)}
	w.fake.Create("jobs", "fifo")
	other := w.open(t)
	gate := make(chan struct{}, 100)
	gate <- struct{}{}
	conn := connect(t, tnt.Options{Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return srv.DialContext(ctx, network, address)
	}, ConnectTimeout: tnt.Never})
	client, err := queue.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	jobs := client.Tube("jobs")
	put(t, other.Tube("jobs"), "a")
	task := take[string](t, jobs)
	srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
	acked := make(chan error, 1)
	go func() {
		switch finish {
		case "ack":
			acked <- task.Ack(t.Context())
		case "delete":
			acked <- task.Delete(t.Context())
		default:
			acked <- task.Bury(t.Context())
		}
	}()
	synctest.Wait()
	if finish == "bury" { // somebody looks into what was buried
		if err := other.Tube("jobs").Delete(t.Context(), task.ID); err != nil {
			t.Error(err)
		}
	}
	put(t, other.Tube("jobs"), "b")
	taken := make(chan *queue.Task[string], 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b, err := queue.Take[string](ctx, jobs)
		if err != nil {
			t.Error(err)
		}
		taken <- b
	}()
	synctest.Wait()
	for range 50 {
		gate <- struct{}{}
	}
	if err := <-acked; err != nil {
		t.Errorf("what was done is %v", err)
	}
	if b := <-taken; b == nil || b.ID != task.ID || b.Data != "b" {
		t.Errorf("took %v", b)
	} else if err := b.Ack(t.Context()); err != nil || w.states() != "" {
		t.Errorf("the task with the number of the one before: %v, the tasks are %q", err, w.states())
	}
	for _, c := range []*queue.Client{client, other} {
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
