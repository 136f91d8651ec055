package cdc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// Errors that end a Feed.
var (
	// ErrGap: the server no longer has what came right after the position. A
	// new snapshot is the cure; on 3.3 and later a Checkpoint keeps the logs.
	ErrGap = errors.New("cdc: the log right after the position is gone; start from a snapshot")
	// ErrAhead: the position is ahead of the server, which was restored from a
	// backup or lost the end of its log. A new snapshot is the cure.
	ErrAhead = errors.New("cdc: the position is ahead of the server, which lost the end of its log; start from a snapshot")
	// ErrOtherReplicaSet: the position is of another replica set.
	ErrOtherReplicaSet = errors.New("cdc: the server is of another replica set than the position")
	// ErrTooLarge: a transaction, or what waits for a decision on synchronous
	// transactions, is larger than Options.MaxTransaction or MaxPending.
	ErrTooLarge = errors.New("cdc: larger than the options allow")
	// ErrStalled: a snapshot stood still for Options.SnapshotStall, be it that
	// the server sent nothing (it waits for synchronous transactions without
	// bound) or that nobody asked for the next Tx.
	ErrStalled = errors.New("cdc: the snapshot stood still for too long")
	// ErrSnapshotLost: the connection was lost in the middle of a snapshot, of
	// which some was given out already. What was given out is to be dropped: the
	// next All starts over.
	ErrSnapshotLost = errors.New("cdc: the connection was lost in the middle of a snapshot; drop what came, and start over")
)

// final marks errors that another attempt with the same server would bring
// again.
type final struct{ error }

func (e final) Unwrap() error { return e.error }

// explain gives an error of the server its cure, and marks those that stay.
func explain(err error, opts *tnt.Options) error {
	var refused *tnt.Error
	if isFinal(err) {
		return err
	}
	if !errors.As(err, &refused) {
		return err
	}
	user := opts.User
	if user == "" {
		user = "guest"
	}
	switch code := refused.Code; {
	case code == errcode.AccessDenied && strings.Contains(refused.Message, "_gc_consumers"):
		return final{fmt.Errorf("cdc: to keep logs for a follower takes a right: box.schema.user.grant('%s', 'replication'), or grant('%s', 'write', 'space', '_gc_consumers'): %w", user, user, err)}
	case code == errcode.AccessDenied:
		return final{fmt.Errorf("cdc: to follow a server takes a right: box.schema.user.grant('%s', 'replication'), or grant('%s', 'read', 'universe'): %w", user, user, err)}
	case code == errcode.Unsupported && strings.Contains(refused.Message, "wal_mode"):
		return final{fmt.Errorf("cdc: the server keeps no log: it needs box.cfg{wal_mode = 'write'} and a restart: %w", err)}
	case code == errcode.XlogGap, strings.HasPrefix(refused.Message, "Missing .xlog file"):
		return final{fmt.Errorf("%w: %w", ErrGap, err)}
	case code == errcode.ReplicasetUUIDMismatch:
		return final{fmt.Errorf("%w: %w", ErrOtherReplicaSet, err)}
	case code == errcode.Cfg && strings.Contains(refused.Message, "duplicate connection"):
		return fmt.Errorf("cdc: the server still holds an earlier connection of this follower, or another Feed has its Consumer: %w", err)
	case mayPass(code), tnt.IsTransient(err):
		return err
	}
	return final{err}
}

// mayPass reports errors of a server's state, which changes by itself. System is
// that by which a server of before 3.0 cuts off a follower that is silent, and WALIO a
// disk that is full: a server of 3.3 and later writes a row for each follower.
func mayPass(code errcode.Code) bool {
	switch code {
	case errcode.Loading, errcode.SyncQuorumTimeout, errcode.SyncRollback, errcode.Timeout, errcode.SyncTimeout,
		errcode.Cfg, errcode.TransactionTimeout, errcode.Readonly, errcode.System, errcode.WALIO:
		return true
	}
	return false
}

func isFinal(err error) bool {
	var f final
	return errors.As(err, &f) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrStalled) || errors.Is(err, ErrSnapshotLost)
}
