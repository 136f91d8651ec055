package vshard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// Member is an instance that was picked for a call.
type Member struct {
	Name string
	tnt.Executor
}

// Pool is the connections of a replica set. Its methods are safe for concurrent
// use, and only Pin and Refresh do network calls.
type Pool interface {
	// Pick chooses an instance for a call of a mode, but none of those that
	// were tried. Its error is an ErrNoInstance that says why.
	Pick(mode Mode, tried []string) (Member, error)
	// Pin returns the instance as one session of the server, which fails for
	// good when that is lost, and what gives it back.
	Pin(ctx context.Context, m Member) (tnt.Executor, func(), error)
	// SetMaster says that a storage called an instance, by name or UUID, the
	// master. It reports whether there is such an instance.
	SetMaster(id string) bool
	// Rest leaves an instance alone for some time.
	Rest(name string, d time.Duration, why error)
	// Refresh asks the instances which is the master.
	Refresh(ctx context.Context)
	// Instances tells what is known.
	Instances() []InstanceInfo
	// Close ends the connections when what is in flight on them is answered, or
	// ctx ends. Picks fail from now on.
	Close(ctx context.Context) error
}

// InstanceInfo is what is known of an instance.
type InstanceInfo struct {
	Name, UUID string
	Connected  bool
	IsMaster   bool
	RestsUntil time.Time // zero, or until when it is left alone
	Why        error     // it rests
}

// conns is a Pool of a connection to each instance.
type conns struct {
	id      string
	members []*member
	cancel  context.CancelFunc
	turn    atomic.Uint32 // whose it is, of those that are balanced
	workers sync.WaitGroup

	mu     sync.Mutex
	master *member // nil: not known
}

type member struct {
	Instance
	conn *tnt.Conn

	mu    sync.Mutex
	until time.Time
	why   error
}

// connect starts connections to all instances.
func connect(rs ReplicaSet) (Pool, error) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &conns{id: rs.ID(), cancel: cancel}
	for _, i := range rs.Instances {
		opts := i.Options
		opts.ConnectOnce, opts.WaitConnected = false, false
		conn, err := tnt.New(opts)
		if err != nil {
			cancel()
			return nil, fmt.Errorf("vshard: instance %s of %s: %w", i.ID(), c.id, err)
		}
		m := &member{Instance: i, conn: conn}
		c.members = append(c.members, m)
		if i.Master {
			c.master = m
		}
	}
	for _, m := range c.members {
		c.workers.Go(func() { _ = m.conn.Connect(ctx) }) // until it is there, or Close
	}
	return c, nil
}

// fit returns why a member won't do now, nil where it will.
func (m *member) fit() error {
	if !m.conn.IsConnected() {
		return tnt.ErrNotConnected
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Now().Before(m.until) {
		return m.why
	}
	return nil
}

func (m *member) is(id string) bool {
	return id != "" && (m.Name == id || m.UUID == id || m.conn.InstanceUUID() == id)
}

// Pick implements Pool.
func (c *conns) Pick(mode Mode, tried []string) (Member, error) {
	c.mu.Lock()
	master := c.master
	c.mu.Unlock()
	var why []error
	for _, m := range c.order(mode, master) {
		if contains(tried, m.ID()) {
			continue
		}
		err := m.fit()
		if err == nil {
			return Member{Name: m.ID(), Executor: m.conn}, nil
		}
		why = append(why, fmt.Errorf("%s: %w", m.ID(), err))
	}
	if mode == RW && master == nil {
		why = append(why, errNoMaster)
	}
	return Member{}, fmt.Errorf("%w in replica set %s: %w", ErrNoInstance, c.id, errors.Join(why...))
}

var errNoMaster = errors.New("the master is not known")

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

// order returns the instances that are to be asked in a mode, one after the
// other.
func (c *conns) order(mode Mode, master *member) []*member {
	if mode == RW {
		if master == nil {
			return nil
		}
		return []*member{master}
	}
	first := 0
	if mode == BRO || mode == BRE {
		first = int(c.turn.Add(1))
	}
	list := make([]*member, 0, len(c.members))
	if mode == RO && master != nil {
		list = append(list, master)
	}
	for i := range c.members {
		m := c.members[(first+i)%len(c.members)]
		if m != master || mode == BRO {
			list = append(list, m)
		}
	}
	if (mode == RE || mode == BRE) && master != nil {
		list = append(list, master)
	}
	return list
}

// Pin implements Pool. A session's refs end with it, so a connection that was
// restored meanwhile has none: it need not be another one.
func (c *conns) Pin(ctx context.Context, m Member) (tnt.Executor, func(), error) {
	return m.Executor, func() {}, ctx.Err()
}

// SetMaster implements Pool.
func (c *conns) SetMaster(id string) bool {
	for _, m := range c.members {
		if m.is(id) {
			c.mu.Lock()
			c.master = m
			c.mu.Unlock()
			return true
		}
	}
	return false
}

// Rest implements Pool.
func (c *conns) Rest(name string, d time.Duration, why error) {
	for _, m := range c.members {
		if m.ID() == name {
			m.mu.Lock()
			m.until, m.why = time.Now().Add(d), why
			m.mu.Unlock()
		}
	}
}

// Refresh implements Pool: each storage says whether it is the master. Of two
// that do, the one that was known before stays: a write tells more.
func (c *conns) Refresh(ctx context.Context) {
	claims := make([]bool, len(c.members))
	var asked sync.WaitGroup
	for i, m := range c.members {
		if m.fit() != nil {
			continue
		}
		asked.Go(func() {
			results, err := luacall.Do(ctx, m.conn, "vshard.storage._call", "info")
			claims[i] = err == nil && luacall.At(results, 0).Get("is_master").Bool()
		})
	}
	asked.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var found *member
	for i, m := range c.members {
		if claims[i] && (found == nil || m == c.master) {
			found = m
		}
	}
	if found != nil {
		c.master = found
	}
}

// Instances implements Pool.
func (c *conns) Instances() []InstanceInfo {
	c.mu.Lock()
	master := c.master
	c.mu.Unlock()
	list := make([]InstanceInfo, len(c.members))
	for i, m := range c.members {
		info := InstanceInfo{Name: m.ID(), UUID: m.UUID, Connected: m.conn.IsConnected(), IsMaster: m == master}
		if info.UUID == "" {
			info.UUID = m.conn.InstanceUUID()
		}
		m.mu.Lock()
		if time.Now().Before(m.until) {
			info.RestsUntil, info.Why = m.until, m.why
		}
		m.mu.Unlock()
		list[i] = info
	}
	return list
}

// Close implements Pool.
func (c *conns) Close(ctx context.Context) error {
	var ends sync.WaitGroup
	for _, m := range c.members {
		ends.Go(func() { _ = m.conn.CloseGraceful(ctx) })
	}
	ends.Wait()
	c.cancel()
	for _, m := range c.members {
		m.conn.Close()
	}
	c.workers.Wait()
	return nil
}
