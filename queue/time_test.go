package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt/queue"
)

// The first task of a tube has the number 0, which is not that of no task.
func TestNumberOfNoTask(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "x")
		told := make(map[queue.ID]error)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := queue.Work(ctx, w.jobs, queue.WorkOptions{OnError: func(id queue.ID, err error) { told[id] = err }}, func(context.Context, *queue.Task[string]) error {
			time.AfterFunc(time.Second, func() { w.fake.SetState("WAITING") })
			return queue.ErrBury
		})
		if err != nil || len(told) != 2 || !errors.Is(told[0], queue.ErrBury) || !errors.Is(told[queue.NoID], queue.ErrNotRunning) {
			t.Errorf("%v, told of %v", err, told)
		}
	})
}
