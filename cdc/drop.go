package cdc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// For how long Drop waits for a server to notice that a consumer's connection
// is gone, and how often it asks.
const (
	dropPatience = 5 * time.Second
	dropPause    = 20 * time.Millisecond
)

// Drop frees a consumer that is not coming back: a server of 3.3 and later
// keeps no log for it any more. An earlier one keeps none and has nothing to free,
// which is no error, nor is a consumer that the server does not know. The
// consumer's Feed has to be at its end: while it is connected Drop waits, for 5 s at
// most, and fails.
//
// Two at a time of one consumer crash a server of 3.8.0. Those of one program wait for
// each other, also where the first was given up; those of several are the caller's to avoid.
//
// The user needs the right to call the function box.ctl.replica_gc and the role
// "replication".
func Drop(ctx context.Context, conn *tnt.Conn, consumer uuid.UUID) error {
	if !conn.Version().AtLeast(3, 3, 0) {
		return nil
	}
	for began := time.Now(); ; {
		err := collect(ctx, conn, consumer)
		why := ""
		if refused := (*tnt.Error)(nil); errors.As(err, &refused) && refused.Code == errcode.ReplicaGC {
			why, _ = refused.Fields["details"].(string)
		}
		switch {
		case err == nil, why == "Replica does not exist":
			return nil
		case why == "Replica is connected" && time.Since(began) < dropPatience:
			if sleep(ctx, dropPause) {
				continue
			}
			err = context.Cause(ctx)
		case why == "Replica is connected":
			err = fmt.Errorf("its Feed has to end first: %w", err)
		case errors.Is(err, errcode.AccessDenied):
			err = fmt.Errorf("that takes rights: box.schema.user.grant(user, 'replication') and grant(user, 'execute', 'lua_call', 'box.ctl.replica_gc'): %w", err)
		}
		return fmt.Errorf("cdc: cannot drop consumer %v: %w", consumer, err)
	}
}

// collecting has the calls that are not answered yet, by their consumers: each is closed
// when it is. Servers are not told apart, as a UUID is of one follower.
var collecting = struct {
	mu    sync.Mutex
	calls map[uuid.UUID]chan struct{}
}{calls: map[uuid.UUID]chan struct{}{}}

// collect calls box.ctl.replica_gc when no other call for the consumer is on its way. One that
// ctx gives up is on its way until it is answered, or dropPatience has passed.
func collect(ctx context.Context, conn *tnt.Conn, consumer uuid.UUID) error {
	answered := make(chan struct{})
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		collecting.mu.Lock()
		other := collecting.calls[consumer]
		if other == nil {
			collecting.calls[consumer] = answered
			collecting.mu.Unlock()
			break
		}
		collecting.mu.Unlock()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-other:
		}
	}
	var err error
	go func() {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropPatience)
		defer cancel()
		_, err = conn.Call(call, "box.ctl.replica_gc", consumer.String())
		collecting.mu.Lock()
		delete(collecting.calls, consumer)
		collecting.mu.Unlock()
		close(answered)
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-answered:
		return err
	}
}
