package tnttest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// observer is a client that watches keys of a member and remembers what it
// hears of them.
type observer struct {
	nc net.Conn

	mu     sync.Mutex
	events []observed
	err    error // why it hears nothing more
}

type observed struct {
	key   string
	value any // nil: none
}

// String prints an event as the recordings do.
func (o observed) String() string {
	b, err := json.Marshal(o.value)
	if err != nil {
		return err.Error()
	}
	return o.key + " " + string(b)
}

// observe watches keys of a server until the test ends, acknowledging at once.
func observe(t *testing.T, srv *tnttest.Server, keys ...string) *observer {
	t.Helper()
	nc, err := srv.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{nc: nc}
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := o.run(keys)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.err = err
	}()
	t.Cleanup(func() {
		_ = nc.Close()
		<-done
	})
	return o
}

func (o *observer) run(keys []string) error {
	r := bufio.NewReader(o.nc)
	if _, err := io.ReadFull(r, make([]byte, wire.GreetingSize)); err != nil {
		return err
	}
	for i, key := range keys {
		if _, err := o.nc.Write(watchFrame(key, uint64(i))); err != nil {
			return err
		}
		if err := o.event(r); err != nil {
			return err
		}
	}
	for {
		if err := o.event(r); err != nil {
			return err
		}
	}
}

// event reads an event and acknowledges it.
func (o *observer) event(r *bufio.Reader) error {
	head, err := r.Peek(5)
	if err != nil {
		return err
	}
	n, size, err := wire.FrameSize(head)
	if err != nil {
		return err
	}
	b := make([]byte, n+int(size))
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	mr := mp.NewReader(b[n:])
	h, err := wire.DecodeHeader(&mr)
	if err != nil {
		return err
	}
	var body wire.Body
	if err := body.Decode(mr.Rest()); err != nil {
		return err
	}
	e := observed{key: body.String(iproto.KeyEventKey)}
	if body.Has(iproto.KeyEventData) {
		v := mp.NewReader(body.Raw(iproto.KeyEventData))
		e.value = plain(v.Value())
	}
	o.mu.Lock()
	o.events = append(o.events, e)
	o.mu.Unlock()
	_, err = o.nc.Write(watchFrame(e.key, h.Sync))
	return err
}

// plain turns a value into one that JSON can print.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any)
		for k, x := range v {
			m[fmt.Sprint(k)] = plain(x)
		}
		return m
	case map[string]any:
		for k, x := range v {
			v[k] = plain(x)
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = plain(x)
		}
		return v
	case fmt.Stringer:
		return v.String()
	}
	return v
}

// take returns what was heard since the last call, without what repeats the
// value before it.
func (o *observer) take(keys ...string) []observed {
	o.mu.Lock()
	defer o.mu.Unlock()
	var heard []observed
	for _, e := range o.events {
		if len(keys) == 0 || slices.Contains(keys, e.key) {
			heard = append(heard, e)
		}
	}
	o.events = nil
	return heard
}

func (o *observer) gone() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func watchFrame(key string, sync uint64) []byte {
	return frame(iproto.TypeWatch, 0, sync, func(w *wire.BodyWriter) { w.String(iproto.KeyEventKey, key) })
}
