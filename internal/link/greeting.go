package link

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gotnt/tnt/internal/wire"
)

// readGreeting reads what the server says first.
func readGreeting(conn io.Reader) (wire.Greeting, error) {
	var b [wire.GreetingSize]byte
	for have := 0; have < len(b); {
		n, err := conn.Read(b[have:])
		have += n
		if !wire.IsGreetingPrefix(b[:have]) {
			return wire.Greeting{}, wrongPeer(b[:have])
		}
		if err != nil && have < len(b) {
			return wire.Greeting{}, noGreeting(have, err)
		}
	}
	return wire.DecodeGreeting(b[:])
}

func noGreeting(have int, err error) error {
	switch {
	case errors.Is(err, io.EOF):
		// A proxy whose server is away, or still starting, does that too.
		return fmt.Errorf("the peer, which may not be Tarantool, closed the connection after %d of %d bytes of a greeting: %w", have, wire.GreetingSize, err)
	case have == 0:
		return fmt.Errorf("no greeting came: the peer may expect TLS or another protocol, such as HTTP: %w", err)
	}
	return fmt.Errorf("the greeting broke off after %d bytes: %w", have, err)
}

// wrongPeer says what it is that doesn't greet as Tarantool does.
func wrongPeer(b []byte) error {
	text := string(b)
	switch {
	case strings.HasPrefix(text, "HTTP/"):
		return fmt.Errorf("%w: it speaks HTTP", wire.ErrNotTarantool)
	case len(b) > 2 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3:
		return fmt.Errorf("%w: it speaks TLS; use tarantools:// or Options.TLS", wire.ErrNotTarantool)
	case strings.HasPrefix(text, "SSH-"):
		return fmt.Errorf("%w: it speaks SSH", wire.ErrNotTarantool)
	}
	return fmt.Errorf("%w: it begins with %q", wire.ErrNotTarantool, b[:min(len(b), 32)])
}
