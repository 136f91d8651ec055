package queue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// Errors of a queue. They are found by errors.Is; what the server said, if it
// said anything, is in the same chain.
var (
	// ErrNotRunning is that of a request while no server is the master of a
	// queue that runs. Nothing was done, unless there is a tnt.ErrConnectionLost in the
	// chain too: that of an attempt before, of a call that may be done twice.
	ErrNotRunning = errors.New("queue: there is no master whose queue runs")
	// ErrFull is that of a put to a tube that has as many tasks as it may.
	ErrFull = errors.New("queue: the tube is full")
	// ErrNotTaken is that of finishing a task that is not this session's any
	// more: its time to run has passed, somebody finished it, or the session
	// was forgotten.
	ErrNotTaken = errors.New("queue: the task is not taken by this session")
	// ErrNoTask is that of a task that does not exist, and of a take that got
	// none.
	ErrNoTask = errors.New("queue: there is no such task")
	// ErrNoTube is that of a tube that does not exist, or of a server without
	// the module.
	ErrNoTube = errors.New("queue: there is no such tube")
	// ErrClosed is that of a Client that was closed.
	ErrClosed = errors.New("queue: the client is closed")
)

var errAnswer = errors.New("queue: the server answered with something else than a task")

// named gives the errors of the module their names: it has none but texts,
// which are raised as code 32.
func named(err error) error {
	var e *tnt.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == errcode.NoSuchProc:
		return fmt.Errorf("%w: %w", ErrNoTube, err)
	case e.Code == errcode.Readonly:
		return fmt.Errorf("%w: %w", ErrNotRunning, err)
	case e.Code != errcode.ProcLua:
		return err
	case strings.Contains(e.Message, "Task was not taken"):
		return fmt.Errorf("%w: %w", ErrNotTaken, err)
	case strings.Contains(e.Message, ": Task ") && strings.HasSuffix(e.Message, " not found"):
		return fmt.Errorf("%w: %w", ErrNoTask, err)
	}
	return err
}

// isUnknownSession reports whether an identify failed as the server has
// forgotten the session.
func isUnknownSession(err error) bool {
	var e *tnt.Error
	return errors.As(err, &e) && e.Code == errcode.ProcLua && strings.HasSuffix(e.Message, "is unknown.")
}
