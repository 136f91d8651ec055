package tnt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// TestRefusedWatch has a server refuse the WATCH that begins to watch a key, or the one
// that acknowledges a value, without which no other value would come: the key's watchers
// end with the server's error, those of other keys go on, and a new one gets the present
// value.
func TestRefusedWatch(t *testing.T) {
	for _, refused := range []string{"the first", "an acknowledgement"} {
		t.Run(refused, func(t *testing.T) {
			srv := embedded(t)
			conn := connect(t, tnt.Options{Dialer: srv.DialContext})
			set := func(key string, v any) {
				t.Helper()
				if err := srv.Broadcast(key, v); err != nil {
					t.Fatal(err)
				}
			}
			set("key", "a")
			set("other", "a")
			other := make(events, 100)
			w, err := conn.WatchFunc("other", other.add)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Unregister()
			other.want(t, "a")
			if err := conn.Ping(testContext(t)); err != nil { // so that "a" is acknowledged
				t.Fatal(err)
			}
			refuse := func() {
				srv.Inject(tnttest.Fault{
					On: iproto.TypeWatch, Times: 1, Error: &types.Error{Code: errcode.Readonly, Message: "read-only"},
				})
			}
			if refused == "the first" {
				refuse()
			}
			var got []any
			var end error
			for e, err := range conn.Watch(testContext(t), "key") {
				if err != nil {
					end = err
					break
				}
				v, _ := e.Value()
				got = append(got, v)
				if err := conn.Ping(testContext(t)); err != nil { // so that it is acknowledged
					t.Fatal(err)
				}
				if len(got) == 1 && refused != "the first" {
					refuse()
					set("key", "b")
				}
			}
			var re *tnt.RequestError
			if !errors.Is(end, errcode.Readonly) || !errors.As(end, &re) || re.Request.Key != "key" || re.Fate() != tnt.FateRefused {
				t.Fatalf("after %v the watch ended with %v", got, end)
			}
			set("key", "c")
			for e, err := range conn.Watch(testContext(t), "key") {
				if v, _ := e.Value(); err != nil || v != "c" {
					t.Errorf("watched again: %v, %v", v, err)
				}
				break
			}
			set("other", "b")
			other.want(t, "b")
			if w.Err() != nil {
				t.Errorf("the other watcher: %v", w.Err())
			}
		})
	}
}

// TestRefusedUnwatch has a key watched again whose UNWATCH the server refused: it goes on
// to count as watched there, and the new watcher gets the present value all the same, or
// the error.
func TestRefusedUnwatch(t *testing.T) {
	srv := embedded(t)
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	if err := srv.Broadcast("key", "a"); err != nil {
		t.Fatal(err)
	}
	watch := func() (any, error) {
		ctx, cancel := context.WithCancel(testContext(t))
		defer cancel()
		for e, err := range conn.Watch(ctx, "key") {
			if err != nil {
				return nil, err
			}
			return e.Value()
		}
		return nil, nil
	}
	refuse := func() {
		srv.Inject(tnttest.Fault{
			On: iproto.TypeUnwatch, Times: 1, Error: &types.Error{Code: errcode.Readonly, Message: "read-only"},
		})
	}
	refuse()
	for range 2 {
		if v, err := watch(); err != nil || v != "a" {
			t.Fatalf("watched: %v, %v", v, err)
		}
		if err := conn.Ping(testContext(t)); err != nil { // so that the refusal has come
			t.Fatal(err)
		}
	}
	refuse() // the one before the next WATCH
	if v, err := watch(); !errors.Is(err, errcode.Readonly) {
		t.Errorf("watched again: %v, %v", v, err)
	}
}

// TestRefusedWatchesAreCounted has what the server answers to a WATCH or an UNWATCH show
// in Stats: as an error, and as late where nobody watches the key any more.
func TestRefusedWatchesAreCounted(t *testing.T) {
	srv := embedded(t)
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	refuse := func(typ iproto.Type) {
		srv.Inject(tnttest.Fault{On: typ, Times: 1, Error: &types.Error{Code: errcode.Readonly, Message: "read-only"}})
	}
	for range 2 { // so that the connection's own WATCH, and its acknowledgement, have come
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	before := conn.Stats()
	refuse(iproto.TypeWatch)
	w, err := conn.WatchFunc("key", func(tnt.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	<-w.Done()
	if now := conn.Stats(); now.Errors != before.Errors+1 || now.Late != before.Late {
		t.Errorf("after a refused WATCH: %+v, and before %+v", now, before)
	}
	if w, err = conn.WatchFunc("other", func(tnt.Event) {}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(testContext(t)); err != nil { // so that the UNWATCH before that WATCH has come
		t.Fatal(err)
	}
	refuse(iproto.TypeUnwatch)
	w.Unregister()
	if err := conn.Ping(testContext(t)); err != nil { // so that the refusal has come
		t.Fatal(err)
	}
	if now := conn.Stats(); now.Errors != before.Errors+2 || now.Late != before.Late+1 {
		t.Errorf("after a refused UNWATCH: %+v, and before %+v", now, before)
	}
}
