package tnttest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// ReplicaSet is a replica set of servers in this process. Make one with
// RunReplicaSet or StartReplicaSet. Its methods may be called from any
// goroutine.
//
// Its members are numbered from 0; member i is named r0, r1, ... and has the
// replica id i+1. What one commits the others have at once, unless they are
// killed, frozen or partitioned from it: those catch up later. All that takes
// time, takes it by the clock of WithClock.
//
// With elections, which is the default from version 2.6.1 on, r0 leads in term
// 2 at the start. Followers that hear nothing of their leader for the time of
// WithElectionDelay elect another, if they are a majority: of those that have
// what all of them have the first by number, and one whose read_only is set only
// where there is no other. A leader without a majority steps down. Without elections
// (WithoutElections, and older versions) members are writable as SetReadOnly
// says: r0 at the start.
//
// Spaces are asynchronous, as Tarantool's are by default. What a superseded
// leader committed and nobody received stays on it alone: the others refuse it,
// and all that it commits later, with the error of a split brain, which their
// box.info shows as the message of a stopped upstream.
type ReplicaSet struct {
	mu       sync.Mutex // the transaction thread of all members
	uuid     uuid.UUID
	opts     options
	members  []*member
	log      []logEntry
	compact  int // the length at which the log is compacted
	election *election
	changes  chan struct{} // closed and made anew with each change of a role
	timers   map[*timer]struct{}
	wg       sync.WaitGroup // of the timers
	closed   bool
}

// Times that a real replica set takes, whatever its configuration.
const (
	stepTime = time.Millisecond     // between two steps of an election
	wakeTime = 4 * time.Millisecond // until members hear each other again
	// termAtStart is the term of the first election.
	termAtStart = 2
	// shutdownTime is how long a member that is shut down waits for its clients.
	shutdownTime = 3 * time.Second
	// defaultElectionDelay is short, so that tests are. A real replica set with
	// a replication_timeout of a second takes 3 to 4.
	defaultElectionDelay = 100 * time.Millisecond
)

// WithElectionDelay sets after what silence of their leader the members of a
// replica set elect another, and a leader that hears no majority steps down.
// It is 100 ms by default; a real one takes 4 times its replication_timeout,
// which is a second by default.
func WithElectionDelay(d time.Duration) Option {
	return func(o *options) { o.electionDelay = d }
}

// WithoutElections makes the members of a replica set writable by SetReadOnly
// alone, as box.cfg.election_mode = "off" does.
func WithoutElections() Option { return func(o *options) { o.noElections = true } }

// WithoutFencing lets a leader that hears no majority go on, as
// box.cfg.election_fencing_mode = "off" does: after a Partition there can be two.
func WithoutFencing() Option { return func(o *options) { o.noFencing = true } }

// WithInstanceNames gives the members of a replica set names to their clients,
// as the declarative configuration of Tarantool 3 does: r0, r1, ..., of the
// replica set "replicaset" in the cluster "cluster".
func WithInstanceNames() Option { return func(o *options) { o.instanceNames = true } }

// StartReplicaSet makes a replica set of n members that listen on no address
// yet. The options are those of each member.
func StartReplicaSet(n int, opts ...Option) (*ReplicaSet, error) {
	if n < 1 || n >= types.VClockSize {
		return nil, fmt.Errorf("tnttest: a replica set has 1 to %d members, not %d", types.VClockSize-1, n)
	}
	rs := &ReplicaSet{
		uuid: uuid.New(), opts: defaultOptions(),
		changes: make(chan struct{}), timers: make(map[*timer]struct{}), compact: minLog,
	}
	for _, opt := range opts {
		opt(&rs.opts)
	}
	if !rs.opts.version.AtLeast(2, 6, 1) {
		rs.opts.noElections = true
	}
	for i := range n {
		srv, err := newServer(&rs.mu, opts)
		if err != nil {
			return nil, errors.Join(err, rs.Close())
		}
		srv.replicaset = rs.uuid
		if err := srv.nameReplicaSet(); err != nil {
			return nil, errors.Join(err, rs.Close())
		}
		rs.members = append(rs.members, newMember(rs, i, srv))
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, m := range rs.members {
		m.join()
	}
	return rs, nil
}

// RunReplicaSet starts a replica set of n members for a test, waits for nothing
// as r0 leads already, and closes it when the test ends. The members listen on
// free ports of 127.0.0.1; with the option InMemory they have no ports, and
// DialContext is the way to them, in a testing/synctest bubble too.
func RunReplicaSet(tb TB, n int, opts ...Option) *ReplicaSet {
	tb.Helper()
	rs, err := StartReplicaSet(n, opts...)
	if err != nil {
		tb.Fatalf("tnttest: %v", err)
		return nil
	}
	tb.Cleanup(func() { _ = rs.Close() })
	if rs.opts.inMemory {
		return rs
	}
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		tb.Fatalf("tnttest: %v", err)
	}
	return rs
}

// Close closes all members and waits until every goroutine has ended.
func (rs *ReplicaSet) Close() error {
	rs.mu.Lock()
	rs.closed = true
	for t := range rs.timers {
		t.stop()
	}
	if rs.election != nil {
		rs.election.end(ErrClosed)
	}
	rs.mu.Unlock()
	rs.wg.Wait()
	var errs []error
	for _, m := range rs.members {
		errs = append(errs, m.srv.Close())
	}
	return errors.Join(errs...)
}

// Len returns the number of members.
func (rs *ReplicaSet) Len() int { return len(rs.members) }

// Instance returns member i, the same Server as long as the replica set lives,
// through Kill and Restart. It is nil where there is no such member.
func (rs *ReplicaSet) Instance(i int) *Server {
	m, err := rs.member(i)
	if err != nil {
		return nil
	}
	return m.srv
}

// Instances returns all members in their order.
func (rs *ReplicaSet) Instances() []*Server {
	all := make([]*Server, len(rs.members))
	for i, m := range rs.members {
		all[i] = m.srv
	}
	return all
}

// Name returns the name of member i: r0, r1, ...
func (rs *ReplicaSet) Name(i int) string { return fmt.Sprintf("r%d", i) }

// Addrs returns the addresses of all members in their order.
func (rs *ReplicaSet) Addrs() []string {
	all := make([]string, len(rs.members))
	for i, m := range rs.members {
		all[i] = m.srv.Addr()
	}
	return all
}

// DialContext opens a connection inside of the process to the member with the
// address, as Addrs has it, or with the name. It has the form of net.Dialer's
// method. A member that was killed refuses it with ECONNREFUSED.
func (rs *ReplicaSet) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	name, _, _ := strings.Cut(address, ":")
	for i, m := range rs.members {
		if m.srv.Addr() == address || rs.Name(i) == name {
			return m.srv.Dial(ctx)
		}
	}
	return nil, fmt.Errorf("tnttest: the replica set has no member %q: it has %s", address, strings.Join(rs.Addrs(), ", "))
}

// Leader returns the member that takes writes, of several the one with the
// highest term, and -1 where there is none. Without elections it is the first
// that is writable.
func (rs *ReplicaSet) Leader() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.leader()
}

func (rs *ReplicaSet) leader() int {
	found := -1
	for i, m := range rs.members {
		if m.awake() && !m.readOnly() && (found < 0 || m.term > rs.members[found].term) {
			found = i
		}
	}
	return found
}

// WaitLeader waits until a member takes writes that no other has superseded,
// and returns it. Its error is the context's cause.
func (rs *ReplicaSet) WaitLeader(ctx context.Context) (int, error) {
	return rs.wait(ctx, func(i int) bool { return i >= 0 })
}

// WaitChange waits until another than member i is the leader, or none is. Its
// error is the context's cause.
func (rs *ReplicaSet) WaitChange(ctx context.Context, i int) error {
	_, err := rs.wait(ctx, func(now int) bool { return now != i })
	return err
}

// wait waits for a leader that will do.
func (rs *ReplicaSet) wait(ctx context.Context, ok func(int) bool) (int, error) {
	for {
		rs.mu.Lock()
		i, changes := rs.leader(), rs.changes
		rs.mu.Unlock()
		if ok(i) {
			return i, nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return -1, context.Cause(ctx)
		}
	}
}

// announce wakes those who wait for a change of roles. The lock is held.
func (rs *ReplicaSet) announce() {
	close(rs.changes)
	rs.changes = make(chan struct{})
}

func (rs *ReplicaSet) member(i int) (*member, error) {
	if i < 0 || i >= len(rs.members) {
		return nil, fmt.Errorf("tnttest: the replica set has members 0 to %d, and no member %d", len(rs.members)-1, i)
	}
	return rs.members[i], nil
}

// byID finds a member by its replica id, nil for 0.
func (rs *ReplicaSet) byID(id uint32) *member {
	if id == 0 || int(id) > len(rs.members) {
		return nil
	}
	return rs.members[id-1]
}

// since2x10 reports whether the members have what came with 2.10: the reasons of
// ER_READONLY and the events.
func since2x10(v iproto.Version) bool { return v.AtLeast(2, 10, 0) }

// quorum is how many members are a majority.
func (rs *ReplicaSet) quorum() int { return len(rs.members)/2 + 1 }

// reach returns the members that m hears, itself among them.
func (rs *ReplicaSet) reach(m *member) []*member {
	return slices.DeleteFunc(slices.Clone(rs.members), func(o *member) bool { return !linked(m, o) })
}

// timer is something that happens to the replica set later.
type timer struct {
	rs     *ReplicaSet
	cancel func() bool
}

// after calls f, with the lock held, when the duration has passed.
func (rs *ReplicaSet) after(d time.Duration, f func()) *timer {
	t := &timer{rs: rs}
	rs.timers[t] = struct{}{}
	rs.wg.Add(1)
	t.cancel = rs.opts.clock.AfterFunc(d, func() {
		defer rs.wg.Done()
		rs.mu.Lock()
		defer rs.mu.Unlock()
		if _, due := rs.timers[t]; due {
			delete(rs.timers, t)
			f()
		}
	})
	return t
}

// stop takes a timer back. It may be nil. The lock is held.
func (t *timer) stop() {
	if t == nil {
		return
	}
	if _, due := t.rs.timers[t]; !due {
		return
	}
	delete(t.rs.timers, t)
	if t.cancel() {
		t.rs.wg.Done()
	}
}
