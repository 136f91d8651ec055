package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
)

func TestDecide(t *testing.T) {
	leader := func(id, term uint64) facts {
		return facts{account: account{id: id, term: term, leader: id, uuid: fmt.Sprint(id)}, known: true, told: true}
	}
	follower := func(id, term, leader uint64) facts {
		return facts{account: account{id: id, term: term, leader: leader, ro: true, uuid: fmt.Sprint(id)}, known: true, told: true}
	}
	writable := func(id, turned uint64) facts {
		return facts{account: account{id: id, term: 1, turned: turned, uuid: fmt.Sprint(id)}, known: true, told: true}
	}
	readOnly := func(id uint64) facts { return follower(id, 1, 0) }
	unfit := func(f facts) facts { f.unfit, f.silent = errSilent, true; return f }
	away := func(f facts) facts { f.unfit, f.away, f.known = errStarting, true, false; return f }
	master := func(f facts) facts { f.master = true; return f }
	marked := func(f facts) facts { f.marked = true; return f }
	denied := func(id uint64) facts { return facts{account: account{id: id, uuid: fmt.Sprint(id)}, denied: true} }
	named := func(f facts, uuid string) facts { f.leaderUUID = uuid; return f }
	for _, test := range []struct {
		name string
		all  []facts
		want string // M, R, S or U of each
	}{
		{"elected", []facts{leader(1, 2), follower(2, 2, 1), follower(3, 2, 1)}, "MRR"},
		{"none yet", []facts{follower(1, 2, 0), follower(2, 2, 0)}, "RR"},
		{"two leaders", []facts{leader(1, 2), leader(2, 3), follower(3, 3, 2)}, "SMR"},
		{"a stopped leader and the new one", []facts{unfit(leader(1, 2)), leader(2, 3), follower(3, 3, 2)}, "SMR"},
		{"a stopped leader, the new one is not writable yet", []facts{unfit(leader(1, 2)), follower(2, 3, 2), follower(3, 3, 2)}, "SRR"},
		{"a new term without a leader, of a majority", []facts{leader(1, 2), follower(2, 3, 0), follower(3, 3, 0)}, "SRR"},
		{"a new term of one that is cut off", []facts{leader(1, 2), follower(2, 2, 1), follower(3, 3, 0)}, "MRR"},
		{"a leader that is gone", []facts{away(leader(1, 2)), follower(2, 2, 1), follower(3, 2, 1)}, "URR"},
		{"a leader that is gone, and the new one", []facts{away(leader(1, 2)), leader(2, 3), follower(3, 3, 2)}, "UMR"},
		{"the new one is gone, and the old one lags", []facts{leader(1, 2), away(leader(2, 3)), follower(3, 3, 2)}, "SUR"},
		{"in one term, whom the others call leader", []facts{master(leader(1, 2)), {account: account{id: 2, term: 2, leader: 2}, known: true, told: true}, follower(3, 2, 2)}, "RMR"},
		{"by read_only", []facts{writable(1, 0), readOnly(2), readOnly(3)}, "MRR"},
		{"the one that turned last", []facts{master(writable(1, 0)), writable(2, 1), readOnly(3)}, "SMR"},
		{"the one that turned last, though it was first", []facts{writable(1, 2), writable(2, 1), readOnly(3)}, "MSR"},
		{"masters all", []facts{writable(1, 0), writable(2, 0), writable(3, 0)}, "MRR"},
		{"masters all: it stays", []facts{writable(1, 0), master(writable(2, 0)), writable(3, 0)}, "RMR"},
		{"a stopped master, another was made", []facts{unfit(writable(1, 0)), writable(2, 1), readOnly(3)}, "SMR"},
		{"a stopped master, and one that was writable when it was first asked", []facts{unfit(master(writable(1, 0))), writable(2, 0), readOnly(3)}, "SMR"},
		{"a stopped master, and none yet", []facts{unfit(writable(1, 0)), readOnly(2), readOnly(3)}, "URR"},
		{"it just refused", []facts{marked(writable(1, 0)), readOnly(2)}, "RR"},
		{"nothing is known", []facts{away(facts{}), away(facts{})}, "UU"},
		{"they may not be asked: the first is tried", []facts{denied(1), denied(2)}, "MR"},
		{"they may not be asked: it refused", []facts{marked(denied(1)), denied(2), denied(3)}, "RMR"},
		{"they may not be asked: all refused", []facts{marked(denied(1)), marked(denied(2))}, "RR"},
		{"they may not be asked: one is silent", []facts{unfit(denied(1)), denied(2)}, "UM"},
		{"whom one of another term calls leader", []facts{writable(1, 0), writable(2, 0), follower(3, 0, 2)}, "MRR"},
		{"some may be asked", []facts{denied(1), writable(2, 0)}, "RM"},
		{"named by a refusal", []facts{leader(1, 2), named(follower(2, 3, 0), "3"), follower(3, 2, 1)}, "SRR"},
	} {
		var got strings.Builder
		for _, v := range decide(test.all, false) {
			got.WriteString(strings.ToUpper(v.role.String()[:1]))
			if v.why == nil {
				t.Errorf("%s: no reason", test.name)
			}
			if v.role == Superseded && !errors.Is(v.why, ErrSuperseded) {
				t.Errorf("%s: %v is not ErrSuperseded", test.name, v.why)
			}
		}
		if got.String() != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.String(), test.want)
		}
	}
}

// ER_READONLY names the leader, in a term that is not older than what is known.
func TestHint(t *testing.T) {
	m := &member{account: account{term: 3, leader: 1}}
	m.hint(map[string]any{"term": uint64(2), "leader_uuid": "old", "leader_id": uint64(9)})
	m.hint(map[string]any{"term": uint64(7)})
	if m.account != (account{term: 3, leader: 1}) {
		t.Errorf("an old refusal, and one without a leader: %+v", m.account)
	}
	m.hint(map[string]any{"term": uint64(4), "leader_uuid": "u", "leader_id": int64(2)})
	if m.account != (account{term: 4, leader: 2, leaderUUID: "u"}) {
		t.Errorf("a newer one: %+v", m.account)
	}
	m.hint(map[string]any{"term": uint64(4), "leader_uuid": "w"}) // of the same term
	if m.account != (account{term: 4, leader: 2, leaderUUID: "w"}) {
		t.Errorf("one of the same term: %+v", m.account)
	}
	// What it names holds until the instance itself knows of a leader, or of a later term.
	for _, test := range []struct {
		term, leader uint64
		want         string
	}{{4, 0, "u"}, {4, 5, ""}, {5, 0, ""}} {
		m := &member{account: account{term: 4, leader: 2, leaderUUID: "u"}}
		if m.elect(test.term, test.leader); m.account.leaderUUID != test.want || m.account.leader != test.leader || m.account.term != test.term {
			t.Errorf("after the leader %d in term %d: %+v, want %q", test.leader, test.term, m.account, test.want)
		}
	}
}

// An instance that says that it is writable before it says in which term is neither the
// master nor superseded yet.
func TestTermYetToCome(t *testing.T) {
	var list []Instance
	for _, name := range []string{"a", "b"} {
		list = append(list, Instance{Name: name, Options: tnt.Options{Dialer: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("nobody is there")
		}}})
	}
	p, err := New(Options{Instances: list})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	p.mu.Lock()
	defer p.mu.Unlock()
	a, b := p.members[0], p.members[1]
	for i, m := range p.members {
		m.connected, m.replicaSet, m.account.id = true, "x", uint64(i+1)
	}
	want := func(when string, roleA, roleB Role) {
		t.Helper()
		if p.update(); a.role != roleA || b.role != roleB {
			t.Errorf("%s: %v (%v) and %v (%v), want %v and %v", when, a.role, a.why, b.role, b.why, roleA, roleB)
		}
	}
	b.hear(true)
	b.elect(2, 1)
	a.hear(false)
	want("writable, and no term", Unknown, Replica)
	a.elect(2, 1)
	want("in its term", Master, Replica)
	a.heardRO, a.heardTerm = false, false // a new session, in which it is the leader of a later term
	b.elect(3, 1)
	a.hear(false)
	want("writable again, and no term", Unknown, Replica)
	a.elect(3, 1)
	want("in its new term", Master, Replica)
}

// What a session told, or did, is forgotten with it; why it was lost is not.
func TestForgottenWithTheSession(t *testing.T) {
	in := Instance{Name: "a", Options: tnt.Options{Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errNotIn }}}
	p, err := New(Options{Instances: []Instance{in}})
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	m, err := p.newMember(in)
	if err != nil {
		t.Fatal(err)
	}
	m.down, m.silent, m.permanent, m.denied = true, true, true, true
	m.onControl(tnt.Connecting, tnt.Connected, nil)
	if !m.connected || m.controlErr != nil || m.down || m.silent || m.permanent || m.denied || len(m.kick) != 1 {
		t.Errorf("connected, it is %+v", m)
	}
	for _, cause := range []error{errSilent, nil} {
		m.connected, m.heardRO, m.heardTerm, m.lagFrom = true, true, true, map[uint64]time.Duration{1: 1}
		m.onControl(tnt.Connected, tnt.Reconnecting, cause)
		if m.connected || m.heardRO || m.heardTerm || m.lagFrom != nil || !errors.Is(m.controlErr, errSilent) {
			t.Errorf("lost for %v, it is %+v", cause, m)
		}
	}
}

// What a session announced does not outlast it, though it is heard late: the next one
// begins with the present value, which is none.
func TestShutdownHeardLate(t *testing.T) {
	in := Instance{Name: "a", Options: tnt.Options{Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errNotIn }}}
	p, err := New(Options{Instances: []Instance{in}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	m := p.members[0]
	m.onControl(tnt.Connecting, tnt.Connected, nil)
	p.mu.Lock()
	m.down = true // by an event of the session before
	p.mu.Unlock()
	m.onEvent(tnt.Event{Key: keyShutdown})
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.down || errors.Is(m.why, errShuttingDown) {
		t.Errorf("it is down: %v", m.why)
	}
}

// The pause before a try is none, then 1 ms, and each is twice as long up to 100 ms,
// less a random part of up to a half.
func TestPauseBefore(t *testing.T) {
	for try, most := range []time.Duration{2: 0, 3: 1, 4: 2, 5: 4, 9: 64, 10: 100, 14: 100, 1000: 100} {
		if most == 0 && try > 2 {
			continue
		}
		most *= time.Millisecond
		for range 100 {
			if d := pauseBefore(try); d > most || d < most/2 {
				t.Fatalf("the pause before try %d is %v, want %v to %v", try, d, most/2, most)
			}
		}
	}
}

func TestDecideIndependent(t *testing.T) {
	all := []facts{
		{account: account{term: 1}, known: true, told: true},
		{account: account{term: 7, leader: 1}, known: true, told: true},
		{account: account{ro: true}, known: true, told: true},
	}
	for i, want := range []Role{Master, Master, Replica} {
		if got := decide(all, true)[i].role; got != want {
			t.Errorf("%d is %v, want %v", i, got, want)
		}
	}
}

func TestWeightedIsSpread(t *testing.T) {
	order := weighted([]*Candidate{{Weight: 1}, {Weight: 3}, {Weight: 2}})
	if fmt.Sprint(order) != "[1 2 0 1 2 1]" {
		t.Errorf("the order is %v", order)
	}
}
