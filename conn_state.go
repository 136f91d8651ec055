package tnt

import (
	"slices"
	"strconv"
)

// State is where a connection is in its life. The numbers are those of the
// reference connector.
type State int32

// The states of a connection.
const (
	Connecting    State = 1 // opening a socket, greeting, authenticating, fetching the schema
	Connected     State = 2 // ready for requests
	Reconnecting  State = 3 // between attempts to connect
	Disconnecting State = 4
	Disconnected  State = 5 // before Connect and after Disconnect
)

var stateNames = [...]string{"", "Connecting", "Connected", "Reconnecting", "Disconnecting", "Disconnected"}

// String returns the state's name.
func (s State) String() string {
	if s >= Connecting && s <= Disconnected {
		return stateNames[s]
	}
	return "State(" + strconv.Itoa(int(s)) + ")"
}

// listener is one that was added by OnState.
type listener struct {
	fn func(from, to State, cause error)
}

// OnState has fn called with every change of state from now on, in order and one
// at a time, until stop is called, after which no call begins. The cause is nil for
// Connecting and Connected. fn must not block, and must not call methods of the
// connection that wait, nor OnState or stop.
func (c *Conn) OnState(fn func(from, to State, cause error)) (stop func()) {
	l := &listener{fn: fn}
	c.stateMu.Lock()
	defer c.stateMu.Unlock()
	c.listeners = append(slices.Clip(c.listeners), l)
	return func() {
		c.stateMu.Lock()
		defer c.stateMu.Unlock()
		c.listeners = slices.DeleteFunc(slices.Clone(c.listeners), func(other *listener) bool { return other == l })
	}
}

func (c *Conn) setState(to State, cause error) {
	c.stateMu.Lock()
	defer c.stateMu.Unlock()
	from := State(c.state.Swap(int32(to)))
	if from == to {
		return
	}
	c.hooks.onState(c, from, to, cause)
	for _, l := range c.listeners {
		l.fn(from, to, cause)
	}
}
