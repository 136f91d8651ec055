package pool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// How often instances are asked.

// gaps returns the times between the requests of a type that a server got since a
// moment, the first of which is from that moment.
func gaps(srv *tnttest.Server, typ iproto.Type, since time.Time) (all []time.Duration) {
	for _, r := range srv.Requests() {
		if r.Type == typ && r.Time.After(since) {
			all = append(all, r.Time.Sub(since))
			since = r.Time
		}
	}
	return all
}

// quiet makes the probes the only pings of an instance.
func (e *embedded) quiet(t *testing.T, i int) {
	t.Helper()
	in := e.instance(i)
	in.Options.PingInterval = tnt.Never
	must(t, e.pool.Replace(t.Context(), in))
	v, err := e.pool.On(in.Name)
	must(t, err)
	must(t, v.WaitFor(t.Context()))
	time.Sleep(4500 * time.Millisecond) // so that no probe is due at this very moment
}

// The pauses between probes of one that is silent begin with half of Probe, and each is
// twice as long as the one before, up to 5 s, less a random part of up to a half. After
// an answer they begin anew.
func TestPausesOfProbes(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		e.quiet(t, 1)
		for range 2 {
			began := time.Now()
			answer := e.Instance(1).Inject(tnttest.Fault{On: iproto.TypePing, Delay: time.Hour})
			time.Sleep(40 * time.Second)
			got := gaps(e.Instance(1), iproto.TypePing, began)
			if len(got) < 9 || got[0] > time.Second {
				t.Fatalf("the silent one is probed after %v", got)
			}
			e.wantRoles(t, pool.Master, pool.Unknown, pool.Replica)
			pause := time.Second / 2
			shorter := false
			for _, gap := range got[1:] {
				// A probe takes a second before it counts as not answered.
				if took := gap - time.Second; took < pause-pause/2-1 || took > pause {
					t.Errorf("a pause of %v, want %v to %v (of all: %v)", took, pause/2, pause, got)
				} else if took < pause {
					shorter = true
				}
				pause = min(2*pause, 5*time.Second)
			}
			if !shorter {
				t.Errorf("no pause is shortened by chance: %v", got)
			}
			answer()
			time.Sleep(6 * time.Second)
			e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
			back := time.Now()
			time.Sleep(4500 * time.Millisecond)
			for _, gap := range gaps(e.Instance(1), iproto.TypePing, back)[1:] {
				if gap != time.Second {
					t.Errorf("one that answers is probed after %v, want a second", gap)
				}
			}
		}
	})
}

// Who has to be asked for its role is asked sooner while there is no master: at once,
// after a 32nd of Probe, and then after twice that and so on. Who tells by itself is not.
func TestAskedSoonerWithoutMaster(t *testing.T) {
	opts := pool.Options{Probe: 3200 * time.Millisecond}
	inBubble(t, []tnttest.Option{tnttest.WithVersion("2.6.0"), tnttest.WithoutElections()}, opts, func(t *testing.T, e *embedded) {
		for range 2 {
			time.Sleep(20 * time.Second)
			must(t, e.SetReadOnly(0, true))
			for e.pool.Fits() {
				time.Sleep(time.Millisecond)
			}
			lost := e.pool.Status()[0].Since
			time.Sleep(13 * time.Second)
			got := gaps(e.Instance(1), iproto.TypeCall, lost.Add(-1))
			// Its own probe may have been due at the moment of the loss, too: that counts.
			if len(got) < 8 || got[0] != 1 || got[1] > 200*time.Millisecond {
				t.Fatalf("r1 is asked after %v, want %v and %v first", got, time.Duration(1), opts.Probe/32)
			}
			for i := 2; i < len(got); i++ {
				if want := min(2*got[i-1], opts.Probe); got[i] != want {
					t.Errorf("r1 is asked after %v, want each twice as long up to %v", got, opts.Probe)
					break
				}
			}
			must(t, e.SetReadOnly(0, false))
			must(t, e.pool.WaitMaster(t.Context()))
		}
	})
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, opts, func(t *testing.T, e *embedded) {
		e.quiet(t, 1)
		must(t, e.SetReadOnly(0, true))
		synctest.Wait()
		lost := time.Now()
		time.Sleep(13 * time.Second)
		if got := gaps(e.Instance(1), iproto.TypePing, lost); len(got) != 4 {
			t.Errorf("one that tells by itself is asked after %v, want each %v", got, opts.Probe)
		}
	})
}

// More probes without an answer than the control connection has room for make it anew,
// however many the options of the instance let wait.
func TestTooManyProbesUnanswered(t *testing.T) {
	for _, test := range []struct {
		name  string
		opts  tnt.Options
		after time.Duration // at the least: what is slow is no reason
	}{
		{"that wait for room", tnt.Options{WaitInFlight: true}, time.Minute},
		{"that have room for one", tnt.Options{MaxInFlight: 1}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
				ctx := t.Context()
				in := e.instance(1)
				in.Options.PingInterval = tnt.Never
				in.Options.WaitInFlight, in.Options.MaxInFlight = test.opts.WaitInFlight, test.opts.MaxInFlight
				must(t, e.pool.Replace(ctx, in))
				time.Sleep(5 * time.Second)
				control := func() (conns []uint64) {
					for _, r := range e.Instance(1).Requests() {
						if r.Type == iproto.TypePing && (len(conns) == 0 || conns[len(conns)-1] != r.Conn) {
							conns = append(conns, r.Conn)
						}
					}
					return conns
				}
				before := len(control())
				e.Instance(1).Inject(tnttest.Fault{On: iproto.TypePing, Delay: time.Hour})
				time.Sleep(test.after)
				if n := len(control()); n != before {
					t.Fatalf("within %v it was connected to anew", test.after)
				}
				time.Sleep(10 * time.Minute)
				if n := len(control()); n == before {
					t.Error("it was not connected to anew within ten minutes of silence")
				}
			})
		})
	}
}

// TryFor leaves a replica out until it answers a probe, or for Probe.
func TestSlowReplicaIsBack(t *testing.T) {
	inBubble(t, nil, pool.Options{TryFor: 50 * time.Millisecond}, func(t *testing.T, e *embedded) {
		e.quiet(t, 1)
		e.quiet(t, 2)
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: 300 * time.Millisecond, Times: 1})
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypePing, Delay: 200 * time.Millisecond, Times: 1})
		for e.pool.Status()[1].Role == pool.Replica {
			must(t, selectOne(t.Context(), e.pool.Replica()))
		}
		e.wantRoles(t, pool.Master, pool.Unknown, pool.Replica)
		time.Sleep(201 * time.Millisecond)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
	})
}

// What refuses is left out for a moment, and is back by itself.
func TestRefusedForAMoment(t *testing.T) {
	for _, test := range []struct {
		name   string
		code   errcode.Code
		on     int
		do     func(t *testing.T, e *embedded) error
		during pool.Role
		after  pool.Role
	}{
		{"a replica that loads", errcode.Loading, 1, func(t *testing.T, e *embedded) error { return selectOne(t.Context(), e.named(t, 1)) }, pool.Unknown, pool.Replica},
		{"a master that refused a write", errcode.Readonly, 0, func(t *testing.T, e *embedded) error { return insert(t.Context(), e.named(t, 0), 1) }, pool.Replica, pool.Master},
		// It may have called another, which refused.
		{"a master whose function was refused a write", errcode.Readonly, 0, func(t *testing.T, e *embedded) error {
			return tnt.Exec(t.Context(), e.named(t, 0), tnt.Call{Function: "f"})
		}, pool.Master, pool.Master},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{Probe: time.Hour, MaxWait: tnt.Never}, func(t *testing.T, e *embedded) {
				e.everywhere(tnttest.Fault{On: iproto.TypeSelect, Error: refusal(test.code), Times: 1})
				e.everywhere(tnttest.Fault{On: iproto.TypeInsert, Error: refusal(test.code), Times: 1})
				e.everywhere(tnttest.Fault{On: iproto.TypeCall, Error: refusal(test.code), Times: 1})
				role := func() pool.Role { synctest.Wait(); return e.pool.Status()[test.on].Role }
				if err := test.do(t, e); err == nil {
					t.Fatal("it is not refused")
				}
				if got := role(); got != test.during {
					t.Errorf("at once it is %v, want %v", got, test.during)
				}
				time.Sleep(99 * time.Millisecond)
				if got := role(); got != test.during {
					t.Errorf("after 99 ms it is %v, want %v", got, test.during)
				}
				time.Sleep(time.Millisecond)
				if got := role(); got != test.after {
					t.Errorf("after 100 ms it is %v, want %v", got, test.after)
				}
			})
		})
	}
}

func (e *embedded) named(t *testing.T, i int) *pool.View {
	t.Helper()
	v, err := e.pool.On(e.Name(i))
	must(t, err)
	return v
}

// TestPoolOfShallowValues, of servers that are asked for box.info, knows the roles of instances whose options let through no value
// in another one: what the pool asks for is nested as it is.
func TestPoolOfShallowValues(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithVersion("2.6.0")}, pool.Options{}, func(t *testing.T, e *embedded) {
		for i := range e.Len() {
			in := e.instance(i)
			in.Options.MaxNesting = 1
			must(t, e.pool.Replace(t.Context(), in))
		}
		time.Sleep(time.Minute)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
		_, err := tnt.One[any](t.Context(), e.pool.Master(), tnt.Select{Space: "kv", Iterator: iproto.IterAll})
		if !errors.Is(err, tnt.ErrNoTuple) {
			t.Error(err)
		}
	})
}
