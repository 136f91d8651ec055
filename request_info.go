package tnt

import (
	"fmt"
	"strings"

	"github.com/gotnt/tnt/iproto"
)

// RequestInfo is what a request is: for executors, hooks and errors. Only the
// fields that its type has are set.
type RequestInfo struct {
	Type iproto.Type
	// Space and SpaceID are the space, as the request names it. Where it has the
	// id alone, hooks are told the name as well if the schema has it.
	Space   string
	SpaceID uint32
	Index   string
	IndexID uint32
	// Function is the name of the function that CALL calls.
	Function string
	// Statement is the text of an SQL statement. It may hold literals.
	Statement string
	// Key is that of the event that is watched.
	Key string
	// User is who authenticates.
	User string
	// Stream is the number of the stream, 0 for none.
	Stream uint64
	// Size is how many requests a batch has, 0 for a single request.
	Size int
}

// String returns the type and what the request works on, as "INSERT users", of an
// SQL statement its begin. The zero RequestInfo, which is that of Pin, is "a session".
func (i RequestInfo) String() string {
	what := i.target()
	switch {
	case i == RequestInfo{}:
		return "a session"
	case i.Size > 0 && i.Type == 0:
		return fmt.Sprintf("a batch of %d", i.Size)
	case i.Size > 0:
		return strings.TrimRight(fmt.Sprintf("a batch of %d, %v %s", i.Size, i.Type, what), " ")
	}
	return strings.TrimRight(i.Type.String()+" "+what, " ")
}

func (i RequestInfo) target() string {
	const most = 64 // of a statement, its begin will do
	switch {
	case i.Space != "":
		return i.Space
	case i.SpaceID != 0:
		return fmt.Sprintf("space %d", i.SpaceID)
	case len(i.Statement) > most:
		return i.Statement[:most] + "..."
	case i.Statement != "":
		return i.Statement
	}
	return i.Function + i.Key
}
