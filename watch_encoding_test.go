package tnt_test

import (
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
)

// TestWatchInAnotherEncoding has keys and values of watchers in Options.Encoding, as
// those of WatchOnce are, and drops told by the user's keys.
func TestWatchInAnotherEncoding(t *testing.T) {
	const key, yes = "\xea\xeb", "\xe4\xe0" // "кл" and "да"
	srv := embedded(t)
	conn := connect(t, tnt.Options{Dialer: srv.DialContext, Encoding: charmap.Windows1251})
	if err := srv.Broadcast(key, yes); err != nil {
		t.Fatal(err)
	}
	once, err := conn.WatchOnce(testContext(t), "кл")
	if v, _ := once.Value(); err != nil || v != "да" {
		t.Errorf("once: %+q, %v", v, err)
	}
	got := make(events, 100)
	w, err := conn.WatchFunc("кл", func(e tnt.Event) {
		if e.Key != "кл" {
			t.Errorf("an event of %+q", e.Key)
		}
		got.add(e)
	})
	if err != nil {
		t.Fatal(err)
	}
	got.want(t, "да")
	if err := conn.Reconnect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	got.want(t, "да")
	w.Unregister()
	if _, err := conn.WatchFunc("日本", func(tnt.Event) {}); !tnt.SafeToRetry(err) {
		t.Errorf("a key that the encoding lacks: %v", err)
	}
}
