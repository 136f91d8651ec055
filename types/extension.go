package types

import "fmt"

// Extension is a MessagePack extension of a type that this package has no Go
// type for: what a later server may send, or the user's own. Its data is the
// user's.
type Extension struct {
	Type int8
	Data []byte
}

// String shows the type, and the data in hexadecimal digits.
func (e Extension) String() string { return fmt.Sprintf("ext(%d, %x)", e.Type, e.Data) }
