package main

import (
	"errors"
	"testing"
)

func TestMessage(t *testing.T) {
	for _, text := range []string{"tnt: cannot connect", "cannot connect"} {
		if got := message(errors.New(text)); got != "tnt: cannot connect" {
			t.Errorf("%q is said as %q", text, got)
		}
	}
}
