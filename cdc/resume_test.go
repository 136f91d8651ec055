package cdc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// workload writes transactions of every kind; each changes the names of fields
// now and then.
const workload = `
local n, seed = ...
math.randomseed(seed)
local s = box.space.goods
local function one()
    local id, what = math.random(1, 1100), math.random(1, 7)
    if what <= 2 then s:replace({id, 'row ' .. math.random(1000), math.random(100)})
    elseif what == 3 then s:delete(id)
    elseif what == 4 then s:update(id, {{'=', 2, 'u' .. id}, {'=', 3, 0.5}})
    elseif what == 5 then pcall(s.upsert, s, {id, 'new', 1}, {{'+', 3, 1}, {'!', -1, {a = {1, 2}}}})
    elseif what == 6 then pcall(s.update, s, id, {{':', 2, 1, 1, 'xyz'}, {'#', 4, 10}})
    else s:upsert({id, 'other'}, {{'=', 2, 'old'}}) end
end
for i = 1, n do
    if i % 5 == 0 then
        box.begin() for _ = 1, math.random(2, 6) do one() end box.commit()
    else one() end
    if i % 50 == 0 then
        local name = 'name' .. i
        s:format({{name = 'id', type = 'unsigned'}, {name = name, type = 'string'}, {name = 'price', type = 'number', is_nullable = true}})
    end
    if i % 97 == 0 then box.space.places:truncate() box.space.places:insert({i, 'after'}) end
end
box.space.goods:replace({0, 'end of ' .. seed})
`

func isEnd(seed int) func(*Tx) bool {
	want := fmt.Sprintf("end of %d", seed)
	return func(tx *Tx) bool {
		for _, c := range tx.Changes {
			if c.Op == Replace {
				if name, err := c.Tuple.At(1); err == nil && name == want {
					return true
				}
			}
		}
		return false
	}
}

// describe shows what a transaction does, with the names it had then.
func describe(txs []*Tx) (lines []string) {
	for _, tx := range txs {
		for _, c := range tx.Changes {
			names := ""
			if c.Space.Format != nil {
				names = fmt.Sprint(c.Space.Format.Names())
			}
			lines = append(lines, c.String()+" "+names)
		}
		lines = append(lines, tx.Position.String())
	}
	return lines
}

// A mirror's rows are the server's own, after any writing; and from each
// position the same transactions follow, with the same names.
func TestFollowsWhileDataAreWritten(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		f := Mirror(Stream(testContext(t), at(s), Options{}))
		state := map[string]map[string]string{"goods": {}, "places": {}}
		var log []*Tx
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range tx.Changes {
				follow(t, state, c)
			}
			if tx.Phase == SnapshotEnd {
				eval(t, conn, workload, 300, 7)
			}
			if tx.Phase != InSnapshot {
				log = append(log, tx)
			}
			if isEnd(7)(tx) {
				break
			}
		}
		compareState(t, conn, state)
		resumeEverywhere(t, s, log)
	})
}

func follow(t *testing.T, state map[string]map[string]string, c Change) {
	t.Helper()
	rows := state[c.Space.Name]
	switch c.Op {
	case Truncate:
		clear(rows)
		return
	case CreateSpace, AlterSpace, DropSpace:
		return
	}
	if c.Old != nil {
		key, err := c.Old.At(0)
		if err != nil {
			t.Fatal(err)
		}
		if rows[fmt.Sprint(key)] != values(t, *c.Old) {
			t.Fatalf("%v: before it was %s, not %s", c, rows[fmt.Sprint(key)], values(t, *c.Old))
		}
		delete(rows, fmt.Sprint(key))
	}
	if c.New != nil {
		key, err := c.New.At(0)
		if err != nil {
			t.Fatal(err)
		}
		rows[fmt.Sprint(key)] = values(t, *c.New)
	}
}

func values(t *testing.T, tuple tnt.Tuple) string {
	t.Helper()
	v, err := tuple.Values()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(v)
}

func compareState(t *testing.T, conn *tnt.Conn, state map[string]map[string]string) {
	t.Helper()
	for name, rows := range state {
		count := 0
		for tuple, err := range tnt.Scan(testContext(t), conn, tnt.Select{Space: name}, 500) {
			if err != nil {
				t.Fatal(err)
			}
			count++
			key, err := tuple.At(0)
			if err != nil {
				t.Fatal(err)
			}
			if got := rows[fmt.Sprint(key)]; got != values(t, tuple) {
				t.Errorf("%s %v: mirrored %s, the server has %s", name, key, got, values(t, tuple))
			}
		}
		if count != len(rows) {
			t.Errorf("%s: %d rows mirrored, the server has %d", name, len(rows), count)
		}
	}
}

func resumeEverywhere(t *testing.T, s *tarantool.Server, log []*Tx) {
	t.Helper()
	whole := describe(log)
	resumed := 0
	for i, tx := range log[:len(log)-1] {
		text, err := tx.Checkpoint().MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var c Checkpoint
		if err := c.UnmarshalBinary(text); err != nil {
			t.Fatal(err)
		}
		rest := take(t, Stream(testContext(t), at(s), Options{From: At(c), Consumer: uuid.New()}), isEnd(7))
		got := describe(rest)
		if want := whole[len(whole)-len(got):]; len(rest) != len(log)-i-1 || !slices.Equal(got, want) {
			t.Fatalf("from transaction %d: %d transactions, wanted %d\n%q\n%q", i, len(rest), len(log)-i-1, got[:min(3, len(got))], want[:min(3, len(want))])
		}
		resumed++
	}
	t.Logf("resumed at %d of %d positions", resumed, len(log))
}

// counting writes numbers, one a transaction, as long as it is let.
const counting = `
local from, n = ...
for i = from, from + n - 1 do box.space.goods:replace({i, 'n', i}) end`

// numbersFrom checks that each number comes once, in order.
type numbersFrom struct {
	next uint64
	t    *testing.T
}

func (n *numbersFrom) check(tx *Tx) {
	n.t.Helper()
	if tx.Phase != InLog {
		return
	}
	for _, c := range tx.Changes {
		v, err := c.Tuple.At(0)
		if err != nil {
			n.t.Fatal(err)
		}
		if fmt.Sprint(v) != fmt.Sprint(n.next) {
			n.t.Fatalf("%v came, wanted %d", v, n.next)
		}
		n.next++
	}
}

func TestServerIsKilled(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		numbers := &numbersFrom{next: 2000, t: t}
		conn := connect(t, s)
		var written sync.Once
		f := Stream(testContext(t), at(s), Options{From: Now, OnState: func(State) {
			written.Do(func() { eval(t, conn, counting, 2000, 500) })
		}})
		killed := 0
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			numbers.check(tx)
			if numbers.next == 2500+uint64(killed)*500 {
				if killed == 2 {
					break
				}
				killed++
				s.Kill()
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				again := connect(t, s)
				eval(t, again, counting, numbers.next, 500)
			}
		}
	})
}

func TestServerStandsStill(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		numbers := &numbersFrom{next: 2000, t: t}
		lost := make(chan struct{})
		told := false
		var paused atomic.Bool // a loaded machine may have it stand still before
		f := Stream(testContext(t), []tnt.Options{{Address: s.Address, ConnectTimeout: 200 * time.Millisecond}}, Options{
			From: Now, Silence: 300 * time.Millisecond,
			OnState: func(state State) {
				if state.Following && !told {
					told = true
					go func() { eval(t, conn, counting, 2000, 10) }()
				} else if state.Err != nil && paused.Load() {
					select {
					case <-lost:
					default:
						close(lost)
					}
				}
			},
		})
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			numbers.check(tx)
			if numbers.next == 2020 {
				return
			}
			if numbers.next == 2010 {
				s.Pause()
				paused.Store(true)
				go func() {
					<-lost
					s.Resume()
					eval(t, conn, counting, 2010, 10)
				}()
			}
		}
	})
}

// cutConn loses the connection after a number of bytes.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		_ = c.Close()
		return 0, errors.New("cut")
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// The connection is lost again and again, at any byte: inside of frames, of
// transactions and of heads.
func TestConnectionIsCutAnywhere(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		position, err := positionNow(t, s)
		if err != nil {
			t.Fatal(err)
		}
		eval(t, conn, workload, 200, 9)
		const plenty = 1 << 30
		all := &cutConn{left: plenty}
		counted := tnt.Options{Address: s.Address, Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			all.Conn, err = new(net.Dialer).DialContext(ctx, network, address)
			return all, err
		}}
		log := take(t, Stream(testContext(t), []tnt.Options{counted}, Options{From: AtPosition(position), Consumer: uuid.New()}), isEnd(9))
		var dials atomic.Int64
		cut := tnt.Options{Address: s.Address, Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			n := dials.Add(1)
			if n == 1 {
				return &cutConn{c, plenty - all.left - 9000}, err // it reads the schema, too
			}
			return &cutConn{c, 600 + int(n*n*37%900)}, err
		}}
		again := take(t, Stream(testContext(t), []tnt.Options{cut}, Options{From: AtPosition(position), Consumer: uuid.New()}), isEnd(9))
		if !slices.Equal(describe(again), describe(log)) {
			t.Error("other transactions came over connections that were cut")
		}
		if dials.Load() < 5 {
			t.Errorf("%d connections", dials.Load())
		}
	})
}

func positionNow(t *testing.T, s *tarantool.Server) (Position, error) {
	t.Helper()
	opts := tnt.Options{Address: s.Address}
	l, err := open(testContext(t), &opts, 1<<20, time.Minute)
	if err != nil {
		return Position{}, err
	}
	defer l.Close()
	b, err1 := l.vote()
	set, err2 := l.replicaSet()
	return Position{set, b.vclock.Global()}, errors.Join(err1, err2)
}

func TestCheckpointIsBounded(t *testing.T) {
	var c Checkpoint
	for _, b := range [][]byte{nil, {0x95}, {0x95, 1}, bytes.Repeat([]byte{0xff}, 50)} {
		if err := c.UnmarshalBinary(b); err == nil {
			t.Errorf("% x was taken", b)
		}
	}
}
