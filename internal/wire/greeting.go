package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt/iproto"
)

// GreetingSize is the length in bytes of what a server sends first.
const GreetingSize = 128

// SaltSize is the length in bytes of the salt that a scramble takes from the
// greeting's.
const SaltSize = 20

const (
	greetingLine   = GreetingSize / 2
	greetingSalt   = 32 // bytes that the server encodes in Base64
	greetingPrefix = "Tarantool "
)

// Greeting is what a server says of itself when a connection opens.
type Greeting struct {
	Version  iproto.Version
	Protocol string // "Binary"
	UUID     string // of the instance; "" before 1.6.7
	Salt     [SaltSize]byte
}

// Errors of a greeting. ErrConsole is that of a server's admin console, which
// greets in the same form.
var (
	ErrNotTarantool = errors.New("the peer does not greet as Tarantool does")
	ErrConsole      = errors.New("the peer is an admin console, not a binary port")
)

// IsGreetingPrefix reports whether b, of any length, can be the start of a
// greeting, so that a wrong peer is known by its first bytes.
func IsGreetingPrefix(b []byte) bool {
	n := min(len(b), len(greetingPrefix))
	return string(b[:n]) == greetingPrefix[:n]
}

// DecodeGreeting reads the GreetingSize bytes of a greeting.
func DecodeGreeting(b []byte) (Greeting, error) {
	if len(b) != GreetingSize || !IsGreetingPrefix(b) {
		return Greeting{}, ErrNotTarantool
	}
	fields := strings.Fields(string(b[len(greetingPrefix):greetingLine]))
	if len(fields) < 2 {
		return Greeting{}, fmt.Errorf("%w: its first line is %q", ErrNotTarantool, b[:greetingLine])
	}
	var g Greeting
	var err error
	if g.Version, err = iproto.ParseVersion(fields[0]); err != nil {
		return Greeting{}, fmt.Errorf("%w: %w", ErrNotTarantool, err)
	}
	g.Protocol = strings.Trim(fields[1], "()")
	if !strings.EqualFold(g.Protocol, "binary") {
		return Greeting{}, fmt.Errorf("%w (it says %q)", ErrConsole, g.Protocol)
	}
	if len(fields) > 2 {
		g.UUID = fields[2]
	}
	encoded := bytes.TrimRight(b[greetingLine:], " \n\x00")
	salt, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil || len(salt) < SaltSize {
		return Greeting{}, fmt.Errorf("%w: its salt is %q", ErrNotTarantool, encoded)
	}
	copy(g.Salt[:], salt)
	return g, nil
}

// AppendGreeting appends the greeting of a server.
func AppendGreeting(b []byte, g Greeting) []byte {
	line := fmt.Sprintf("%s%v (%s) %s", greetingPrefix, g.Version, g.Protocol, g.UUID)
	b = append(b, fmt.Sprintf("%-*s\n", greetingLine-1, line)...)
	salt := make([]byte, greetingSalt)
	copy(salt, g.Salt[:])
	return append(b, fmt.Sprintf("%-*s\n", greetingLine-1, base64.StdEncoding.EncodeToString(salt))...)
}
