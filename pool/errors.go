package pool

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gotnt/tnt"
)

var (
	// ErrNoInstance is that of a request for which no instance fitted: a
	// *NoInstanceError. It was not sent.
	ErrNoInstance = errors.New("no instance fits")
	// ErrSuperseded is why a session was dropped on a former master, besides
	// tnt.ErrConnectionLost: another one took its place, and this one did not say that
	// it stopped to take writes.
	ErrSuperseded = errors.New("the instance was superseded as master by another")

	errClosed       = fmt.Errorf("the pool is closed: %w (%w)", tnt.ErrClosed, tnt.ErrNotConnected)
	errShuttingDown = errors.New("it is shutting down")
	errSilent       = errors.New("it is silent: it did not answer in time")
	errSlow         = errors.New("it did not answer within TryFor, and is being probed")
	errNotYet       = errors.New("its state is not known yet")
	errStarting     = errors.New("it has not been connected to yet")
	errDenied       = errors.New("its state is not known, because the user may not call box.info; it is learned from refusals alone")
	errReadOnly     = errors.New("it is read-only")
	errRefusedWrite = errors.New("it refused a write as read-only just now")
	errWrites       = errors.New("it takes writes")
	errTurnedLater  = errors.New("the other turned writable later")
	errAlsoWrites   = errors.New("it takes writes too, and another is the master")
	errLagUnknown   = errors.New("its lag is not known")
	errRemoved      = errors.New("the instance was removed from the pool")
	errNotIn        = errors.New("it is not in the pool")
)

// NoInstanceError says of each instance why a request did not go to it.
type NoInstanceError struct {
	View   string        // "master", "replica", ...
	Waited time.Duration // since the request began
	Unfit  []Unfit       // each instance, in the order of the pool
}

// Unfit is an instance that did not fit.
type Unfit struct {
	Name, Address string
	Role          Role
	Why           error
}

// Error tells each instance and why it did not fit.
func (e *NoInstanceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no instance of the pool fits (%s)", e.View)
	if e.Waited > 0 {
		fmt.Fprintf(&b, " after %v", e.Waited.Round(time.Millisecond))
	}
	for i, u := range e.Unfit {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		name := u.Name
		if u.Address != "" && u.Address != u.Name {
			name += " (" + u.Address + ")"
		}
		fmt.Fprintf(&b, "%s%s: %v", sep, name, u.Why)
	}
	return b.String()
}

// Is reports that it is ErrNoInstance, and tnt.ErrNotConnected: it was not sent, and
// later one may fit.
func (e *NoInstanceError) Is(target error) bool {
	return target == ErrNoInstance || target == tnt.ErrNotConnected
}

// Unwrap returns why each instance did not fit.
func (e *NoInstanceError) Unwrap() []error {
	all := make([]error, len(e.Unfit))
	for i, u := range e.Unfit {
		all[i] = u.Why
	}
	return all
}

// IdentityError reports an instance that is another than it was before, or that
// belongs to another replica set than the pool's others. It is no member until it is
// replaced (Replace) or what answers at its address is the right one again.
type IdentityError struct {
	What string // "instance", "replica set"
	Is   string // its UUID
	Was  string // what it had to be
}

// Error tells both UUIDs.
func (e *IdentityError) Error() string {
	return fmt.Sprintf("it is another %s than before: its UUID is %s, not %s", e.What, e.Is, e.Was)
}
