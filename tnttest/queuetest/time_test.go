package queuetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

// start makes a fake with the tube jobs and a client of it.
func start(t *testing.T, srv *tnttest.Server, opts ...queuetest.Option) (*queuetest.Queue, *tnt.Conn, queue.Tube) {
	t.Helper()
	fake := queuetest.Attach(srv, opts...)
	fake.Create("jobs", "fifottl")
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client, err := queue.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return fake, conn, client.Tube("jobs")
}

// Delays go by the clock that the fake is given.
func TestDelaysByClock(t *testing.T) {
	clock := tnttest.NewManualClock(time.Now())
	srv := tnttest.Run(t, tnttest.WithClock(clock))
	fake, _, jobs := start(t, srv, queuetest.WithClock(clock))
	if _, err := jobs.Put(t.Context(), "later", queue.PutOptions{Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if got := fake.Tasks("jobs")[0].State; got != "~" {
		t.Fatalf("before the hour is over the task is %q", got)
	}
	clock.Advance(time.Hour)
	task, err := queue.Take[string](t.Context(), jobs)
	if err != nil || task.Data != "later" {
		t.Fatalf("after the hour: %v, %v", task, err)
	}
	if err := task.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A session that no connection has keeps its tasks for as long as the fake is
// told, and then they are ready for others.
func TestTasksOfAGoneSession(t *testing.T) {
	clock := tnttest.NewManualClock(time.Now())
	srv := tnttest.Run(t, tnttest.WithClock(clock))
	fake, conn, jobs := start(t, srv, queuetest.WithClock(clock), queuetest.WithSessionTTR(time.Minute))
	if _, err := jobs.Put(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Take[string](t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	if err := conn.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range srv.Connections() {
		<-c.Done()
	}
	if got := fake.Tasks("jobs")[0].State; got != "t" {
		t.Errorf("at once the task is %q", got)
	}
	clock.Advance(time.Minute - time.Second)
	if got := fake.Tasks("jobs")[0].State; got != "t" {
		t.Errorf("before the minute is over the task is %q", got)
	}
	clock.Advance(2 * time.Second)
	if got := fake.Tasks("jobs")[0].State; got != "r" {
		t.Errorf("after the minute the task is %q", got)
	}
}
