package tnt

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/wire"
)

// SafeToRetry reports whether it is harmless to do the request that returned
// err again, because it has surely had no effect: it was not sent, the server
// refused it before doing anything, or it rolled back the transaction that the
// request was in. Of CALL, EVAL and SQL only what was surely not executed is safe:
// what a function did before it raised an error is done, whatever its code. It says
// nothing of whether trying again is of use: that is IsTransient.
func SafeToRetry(err error) bool {
	if err == nil {
		return false
	}
	var re *RequestError
	if !errors.As(err, &re) {
		return isHarmlessCode(codeOf(err))
	}
	switch re.fate {
	case FateUnsent:
		return true
	case FateRefused:
		// A transaction is rolled back whole, so what was in it does not matter.
		return isRolledBack(codeOf(re.Err)) && re.Request.Stream != 0 ||
			!runsCode(re.Request.Type) && isHarmlessCode(codeOf(re.Err)) ||
			isUnprepared(re.Err)
	}
	return false // Err may be the cause of a context, which may be anything
}

func isHarmlessCode(code errcode.Code) bool {
	switch code {
	case errcode.Loading, errcode.Readonly, errcode.WrongSchemaVersion:
		return true
	}
	return isRolledBack(code)
}

func isRolledBack(code errcode.Code) bool {
	return code == errcode.TransactionConflict || code == errcode.TransactionTimeout
}

// isUnprepared reports whether a prepared statement was not executed, because
// the server does not know it, or knows it from before a change of the schema.
func isUnprepared(err error) bool {
	code := codeOf(err)
	return code == errcode.WrongQueryID ||
		code == errcode.SQLExecute && strings.Contains(err.Error(), "statement has expired")
}

// IsTransient reports whether a later try may succeed where this one failed: the
// server was away, loading, read-only or in conflict with somebody else. It says
// nothing of whether trying again is harmless: that is SafeToRetry.
func IsTransient(err error) bool {
	if err == nil || errors.Is(err, ErrClosed) {
		return false
	}
	var missing *SettingError
	switch {
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrTooMany):
		return true
	case errors.As(err, &missing), errors.Is(err, wire.ErrFrameTooLarge):
		return false
	}
	var re *RequestError
	if errors.As(err, &re) {
		switch {
		case re.gaveUp, re.fate == FateExecuted:
			return false
		case re.fate == FateRefused:
			return isTransientCode(codeOf(re.Err))
		}
	}
	if isTransientCode(codeOf(err)) {
		return true
	}
	var never *notConnectedError
	if errors.As(err, &never) && never.cause == nil {
		return false // nobody has asked to connect
	}
	return errors.Is(err, ErrNotConnected) || errors.Is(err, ErrConnectionLost) ||
		errors.Is(err, ErrStreamLost) || errors.Is(err, ErrSessionLost)
}

func isTransientCode(code errcode.Code) bool {
	switch code {
	case errcode.Timeout, errcode.SyncQuorumTimeout, errcode.SyncRollback, errcode.QuorumWait,
		errcode.MemoryIssue, errcode.WALQueueFull, errcode.SyncQueueFull, errcode.Shutdown:
		return true
	}
	return isHarmlessCode(code)
}

// Policy is how Retry tries again. Its zero value is the documented default.
type Policy struct {
	// Attempts is how often fn is called at the most. Default: as long as the
	// context lasts.
	Attempts int
	// MinPause is the first pause between two tries; each is twice the one before,
	// up to MaxPause, and a random part of up to a half of it is taken off.
	// Defaults: 10 ms and 1 s.
	MinPause, MaxPause time.Duration
	// Idempotent says that fn may be done again though it may have been executed.
	// Default: only what SafeToRetry says is harmless is done again.
	Idempotent bool
}

// Retry calls fn until it returns nil, an error that is not worth another try
// (IsTransient), one that would not be harmless (SafeToRetry, unless
// Policy.Idempotent), or until ctx ends; then it returns fn's last error. While
// the connection of a failed request is away it waits for that, not for the pause
// alone.
//
//	err := tnt.Retry(ctx, tnt.Policy{}, func(ctx context.Context) error {
//		return tnt.InTx(ctx, conn, transfer)
//	})
func Retry(ctx context.Context, policy Policy, fn func(ctx context.Context) error) error {
	pause := backoff{min: policy.MinPause, max: policy.MaxPause}
	if pause.min <= 0 {
		pause.min = 10 * time.Millisecond
	}
	if pause.max <= 0 {
		pause.max = max(time.Second, pause.min)
	}
	for try := 1; ; try++ {
		err := fn(ctx)
		switch {
		case err == nil:
			return nil
		case try == policy.Attempts, !IsTransient(err), !policy.Idempotent && !SafeToRetry(err):
			return err
		case !sleep(ctx, pause.next()):
			return err
		}
		var re *RequestError
		if errors.As(err, &re) && re.conn != nil && !re.conn.waitUp(ctx) {
			return err
		}
	}
}

// backoff is pauses that grow, each shorter by a random part of up to a half so
// that many who wait for the same do not come together.
type backoff struct {
	min, max time.Duration
	last     time.Duration // 0: none yet
}

func (b *backoff) next() time.Duration {
	if b.last == 0 {
		b.last = b.min
	} else {
		b.last = min(2*b.last, max(b.max, b.min))
	}
	return b.last - rand.N(b.last/2+1)
}

func (b *backoff) reset() { b.last = 0 }
