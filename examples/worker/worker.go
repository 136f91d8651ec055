package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gotnt/tnt/queue"
)

const (
	// grace is how long mails that are being sent may go on after the end was asked for.
	grace = 10 * time.Second
	// touch is how often a mail that takes long gets more time: less than its ttr.
	touch = 20 * time.Second
	// again is the pause before a mail that failed is tried again.
	again = time.Second
)

// Mail is the data of a task.
type Mail struct {
	To string `tnt:"to"`
}

var errNoAddress = errors.New("there is no such address")

// sender sends a mail. A queue gives out a task at least once: again where it is lost
// between the sending and the answer of the queue that it is done. It is known by its
// number then, which the place that mails go to should be told.
type sender func(context.Context, queue.ID, Mail) error

// work sends mails until ctx ends, and then lets those that are being sent be sent.
func work(ctx context.Context, mails queue.Tube, workers int, send sender, log *slog.Logger) error {
	opts := queue.WorkOptions{
		Workers: workers, Touch: touch, Delay: again, Grace: grace,
		OnError: func(id queue.ID, err error) {
			if id == queue.NoID {
				log.Warn("the queue does not run", "err", err)
				return
			}
			log.Warn("not done", "mail", id, "err", err)
		},
	}
	return queue.Work(ctx, mails, opts, func(ctx context.Context, task *queue.Task[Mail]) error {
		err := send(ctx, task.ID, task.Data)
		if errors.Is(err, errNoAddress) {
			// Trying again won't help: it is put aside for somebody to look at.
			return fmt.Errorf("%w: %w", queue.ErrBury, err)
		}
		return err // another error gives the mail to the next worker after a pause
	})
}
