package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrBury has Work bury a task instead of releasing it, and so does an error
// that wraps it.
var ErrBury = errors.New("queue: bury the task")

// WorkOptions say how Work works.
type WorkOptions struct {
	// Workers is how many tasks are worked on at once. Default: 1.
	Workers int
	// Touch is how often a task that is being worked on gets that much more
	// time to run: less than its ttr. Default: never, as not all kinds of tubes
	// know it.
	Touch time.Duration
	// Delay is that of tasks that are released as they failed.
	Delay time.Duration
	// Grace is how long tasks that are being worked on may go on after ctx has
	// ended, until their own context ends. Default: none.
	Grace time.Duration
	// OnError is told of each task that failed, or could not be finished, and
	// of a queue that does not run: then the ID is NoID. It may be called by several
	// goroutines at once. Default: nobody is told.
	OnError func(id ID, err error)
}

// finishTime is how long Work takes at most to tell the server of a task's
// outcome.
const finishTime = 10 * time.Second

// Work has workers take tasks and call fn, until ctx ends: then no more are
// taken, and Work returns nil when those that are being worked on are finished.
// A task is done where fn returns nil; it is buried where the error is an
// ErrBury or the data can't be decoded, and released for any other error, or a
// panic of fn. fn may finish the task itself. The context of fn ends with Grace, or
// when a touch finds that the task is another's.
//
// Errors that make no sense to go on after, such as ErrNoTube, stop all workers
// and are returned.
func Work[T any](ctx context.Context, t Tube, opts WorkOptions, fn func(context.Context, *Task[T]) error) error {
	taking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(opts.Grace, end)
		context.AfterFunc(working, func() { timer.Stop() })
	})()
	var workers sync.WaitGroup
	var mu sync.Mutex
	var fatal error
	for range max(1, opts.Workers) {
		workers.Go(func() {
			w := worker[T]{opts: opts, fn: fn}
			if err := w.run(taking, working, t); err != nil {
				mu.Lock()
				fatal = errors.Join(fatal, err)
				mu.Unlock()
				stop(err)
			}
		})
	}
	workers.Wait()
	return fatal
}

type worker[T any] struct {
	opts WorkOptions
	fn   func(context.Context, *Task[T]) error
}

func (w worker[T]) tell(id ID, err error) {
	if err != nil && w.opts.OnError != nil {
		w.opts.OnError(id, err)
	}
}

// run works until taking ends, or returns the error that ends it.
func (w worker[T]) run(taking, working context.Context, t Tube) error {
	for task, err := range Tasks[T](taking, t) {
		switch {
		case task != nil && err != nil:
			w.tell(task.ID, err)
			w.finish(working, task, ErrBury)
		case errors.Is(err, ErrNotRunning):
			w.tell(NoID, err)
		case err != nil:
			return err
		default:
			err := w.do(working, task)
			w.tell(task.ID, err)
			w.finish(working, task, err)
		}
	}
	return nil
}

// do calls fn and touches the task meanwhile.
func (w worker[T]) do(ctx context.Context, task *Task[T]) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var touching sync.WaitGroup
	defer touching.Wait()
	defer cancel(nil)
	if w.opts.Touch > 0 {
		touching.Go(func() { w.touch(ctx, cancel, task) })
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("queue: working on task %d panicked: %v", task.ID, p)
		}
	}()
	return w.fn(ctx, task)
}

func (w worker[T]) touch(ctx context.Context, cancel context.CancelCauseFunc, task *Task[T]) {
	ticker := time.NewTicker(w.opts.Touch)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := task.Touch(ctx, w.opts.Touch)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, ErrNotTaken):
			if !task.held.isOver(ctx) { // not that fn has finished it
				cancel(err)
			}
			return
		default:
			w.tell(task.ID, err)
		}
	}
}

// finish tells the server of the outcome, also when working has ended.
func (w worker[T]) finish(ctx context.Context, task *Task[T], outcome error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if task.held.isOver(ctx) {
		return
	}
	var err error
	switch {
	case outcome == nil:
		err = task.Ack(ctx)
	case errors.Is(outcome, ErrBury):
		err = task.Bury(ctx)
	default:
		err = task.Release(ctx, w.opts.Delay)
	}
	w.tell(task.ID, err)
}
