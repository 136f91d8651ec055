package pool

import (
	"context"
	"crypto/tls"
	"net"
	"reflect"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
)

// A list that comes again replaces the instances of which anything changed: each field
// of the options counts, and those of the instance.
func TestSameInstance(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, errNotIn }
	setUp := func(context.Context, *tnt.Pinned) error { return nil }
	whole := func() Instance {
		return Instance{Name: "a", Zone: "z", Weight: 2, Options: tnt.Options{
			Address: "a:1", Dialer: dial, TLS: trust, Hooks: []tnt.Hook{1}, SessionSettings: map[string]any{"x": 1},
		}}
	}
	a := whole()
	if !sameInstance(a, whole()) {
		t.Fatal("an instance is not the same as itself")
	}
	for what, change := range map[string]func(*Instance){
		"Name":   func(i *Instance) { i.Name = "b" },
		"Zone":   func(i *Instance) { i.Zone = "y" },
		"Weight": func(i *Instance) { i.Weight = 3 },
	} {
		b := whole()
		if change(&b); sameInstance(a, b) {
			t.Errorf("it is taken for the same with another %s", what)
		}
	}
	other := map[reflect.Type]any{
		reflect.TypeFor[string](): "other", reflect.TypeFor[int](): 77, reflect.TypeFor[bool](): true, reflect.TypeFor[time.Duration](): 77 * time.Second,
		reflect.TypeFor[*tls.Config](): &tls.Config{MinVersion: tls.VersionTLS13}, reflect.TypeFor[encoding.Encoding](): charmap.Windows1251,
		reflect.TypeFor[map[string]any](): map[string]any{"x": 2}, reflect.TypeFor[[]tnt.Hook](): []tnt.Hook{1, 2},
		reflect.TypeOf(a.Options.Dialer):       func(context.Context, string, string) (net.Conn, error) { return nil, errDenied },
		reflect.TypeOf(a.Options.AfterConnect): setUp,
	}
	for n := range reflect.TypeFor[tnt.Options]().NumField() {
		b := whole()
		field := reflect.ValueOf(&b.Options).Elem().Field(n)
		name := reflect.TypeFor[tnt.Options]().Field(n).Name
		value, ok := other[field.Type()]
		if !ok {
			t.Errorf("the test knows no value of %s, a %v", name, field.Type())
			continue
		}
		field.Set(reflect.ValueOf(value))
		if sameInstance(a, b) || sameInstance(b, a) {
			t.Errorf("it is taken for the same with another %s", name)
		}
	}
}

var trust = &tls.Config{MinVersion: tls.VersionTLS12}
