package tnt

import "github.com/gotnt/tnt/iproto"

// A Request is one of this package's structs: Select, Insert, Replace, Update,
// Upsert, Delete, Call, Eval, Execute, Ping and so on. It is a plain value:
// it may be copied, kept and done again, by several goroutines at once as
// long as none changes it or what it refers to.
type Request interface {
	// Type returns the type of the request.
	Type() iproto.Type
	// info tells what the request works on.
	info() RequestInfo
	// needs returns a bit, 1<<Feature, for each feature that the server must have.
	needs() uint64
	// encode writes the request's body behind what e.B holds.
	encode(e *encoder) error
}
