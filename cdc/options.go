package cdc

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// The defaults of Options.
const (
	DefaultBuffer         = 4 << 20
	DefaultMaxTransaction = 256 << 20
	DefaultMaxPending     = 64 << 20
	DefaultSilence        = 30 * time.Second
	DefaultSnapshotStall  = time.Minute
)

// Start is where a Feed starts. The zero Start is Snapshot.
type Start struct {
	kind       startKind
	checkpoint Checkpoint
	catalog    *catalog // instead of the checkpoint's schema, where it is at hand
}

type startKind uint8

const (
	fromSnapshot startKind = iota
	fromNow
	fromOrigin
	fromPosition
)

// Where a Feed may start: with all data that are there; with what comes from
// now on; with the first row of the log, where the server still has that.
var (
	Snapshot = Start{kind: fromSnapshot}
	Now      = Start{kind: fromNow}
	Origin   = Start{kind: fromOrigin}
)

// At starts behind the transaction that the Checkpoint was taken of, with the
// schema of that moment.
func At(c Checkpoint) Start { return Start{kind: fromPosition, checkpoint: c} }

// AtPosition starts behind the transaction that the Position was taken of. The
// schema is today's: rows from before a change of their space's format get the
// names of after it, until the change itself is passed.
func AtPosition(p Position) Start { return At(Checkpoint{Position: p}) }

// Options say what to follow. The zero value is the documented default of each
// field.
type Options struct {
	// From is where to start. Default: Snapshot.
	From Start
	// Consumer is this follower's identity, by which a server of 3.3 and later
	// keeps the log from the acknowledged position on, over restarts of both, for
	// replication_anon_ttl (an hour) after the last contact. Two feeds at a time
	// need two. Default: that of the Checkpoint, or else a random one.
	Consumer uuid.UUID
	// Spaces are the names of the spaces to follow. Default: all of the users'.
	Spaces []string
	// System adds the rows of system spaces as they are.
	System bool
	// ManualAck leaves it to Feed.Ack to acknowledge. Default: a Tx is
	// acknowledged when the next is asked for.
	ManualAck bool
	// Buffer is how many bytes are read ahead of who asks for transactions.
	// Default: 4 MiB.
	Buffer int
	// MaxTransaction is how many bytes one may have. A larger one is an
	// ErrTooLarge. Default: 256 MiB.
	MaxTransaction int
	// MaxPending is how many bytes of transactions may wait for the decision on
	// synchronous ones. More are an ErrTooLarge. Default: 64 MiB.
	MaxPending int
	// Silence is how long a server may send nothing until it is asked, by another
	// connection, whether it lives. Default: 30 s.
	Silence time.Duration
	// SnapshotStall is how long a snapshot may stand still, be it for the server
	// or for who asks for transactions: it holds the server's memory. Then
	// it is an ErrStalled. Default: 1 min.
	SnapshotStall time.Duration
	// OnState, where set, is told of connections made and lost, on the goroutine
	// that follows; it must not wait for the Feed.
	OnState func(State)
}

// State is what became of a connection.
type State struct {
	Server    string // its address
	Following bool   // rows come from it now
	Err       error  // why it is lost or was not to be had
	Next      time.Duration
}

// String says the state in words.
func (s State) String() string {
	if s.Following {
		return "following " + s.Server
	}
	return fmt.Sprintf("%s: %v; next attempt in %v", s.Server, s.Err, s.Next)
}

func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		name  string
		field *time.Duration
		value time.Duration
	}{{"Silence", &o.Silence, DefaultSilence}, {"SnapshotStall", &o.SnapshotStall, DefaultSnapshotStall}} {
		if *d.field < 0 {
			return o, fmt.Errorf("cdc: Options.%s is negative: %v", d.name, *d.field)
		}
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	for _, s := range []struct {
		name  string
		field *int
		value int
	}{{"Buffer", &o.Buffer, DefaultBuffer}, {"MaxTransaction", &o.MaxTransaction, DefaultMaxTransaction}, {"MaxPending", &o.MaxPending, DefaultMaxPending}} {
		if *s.field < 0 {
			return o, fmt.Errorf("cdc: Options.%s is negative: %d bytes", s.name, *s.field)
		}
		if *s.field == 0 {
			*s.field = s.value
		}
	}
	if o.From.kind == fromPosition && o.From.checkpoint.Position.IsZero() {
		return o, errors.New("cdc: Options.From is at a position, but the position is zero: start from Snapshot instead")
	}
	if o.Consumer == uuid.Nil {
		o.Consumer = o.From.checkpoint.Consumer
	}
	if o.Consumer == uuid.Nil {
		o.Consumer = uuid.New()
	}
	return o, nil
}
