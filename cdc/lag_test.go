package cdc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// A feed that has read all of the log has no lag, be there none of its spaces in
// what was written last.
func TestEmbeddedLagOfOtherSpaces(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		f := Stream(t.Context(), of(srv), Options{Spaces: []string{"goods"}, From: Now})
		go func() {
			time.Sleep(time.Second)
			_ = srv.Space("others").Replace(1)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if at, lag := f.Lag(); lag != 0 {
				t.Errorf("%v at %v, where all is read", lag, at)
			}
			_ = srv.Space("goods").Replace(1, "one")
		}()
		take(t, f, func(tx *Tx) bool { return len(tx.Changes) > 0 })
	}, others)
}

// A server of 2.10.8 and later has heartbeats in the middle of what it has to send.
func TestLagBehindWhatTheServerSaid(t *testing.T) {
	f := Stream(t.Context(), nil, Options{})
	r := newRunner(f)
	r.position.VClock = types.VClock{1: 5}
	r.start()
	f.given, f.lastPut, f.lastWrite = r.position.VClock, r.position.VClock, time.Now().Add(-time.Hour)
	s := &subscription{r: r, seen: r.position.VClock, said: types.VClock{1: 100}, checked: true, beat: make(chan struct{}, 1)}
	if err := s.heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, lag := f.Lag(); lag < time.Hour {
		t.Errorf("a lag of %v, %v of %v", lag, s.seen, s.said)
	}
	s.seen, r.position.VClock = s.said, s.said
	r.reached(time.Now())
	if err := s.heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, lag := f.Lag(); lag != 0 {
		t.Errorf("a lag of %v, where all is read", lag)
	}
}
