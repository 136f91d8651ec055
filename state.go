package tnt

import "strconv"

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
