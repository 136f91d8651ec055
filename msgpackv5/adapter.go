// Package msgpackv5 lets types that know their MessagePack by
// github.com/vmihailenco/msgpack/v5, such as those written for go-tarantool,
// be used with tnt as they are. It is a module of its own, so that who does
// not need that library does not have it.
package msgpackv5

import (
	"bytes"

	"github.com/vmihailenco/msgpack/v5"
)

// Value is a value of a T that the library encodes and decodes, by the T's
// EncodeMsgpack and DecodeMsgpack, MarshalMsgpack and UnmarshalMsgpack, or
// its tags. It may stand for a tuple, a field of one, or an argument:
//
//	conn.Insert(ctx, "users", msgpackv5.Of(&user))
//	user, err := tnt.One[msgpackv5.Value[User]](ctx, conn, req)
//
// A tuple has to be an array, which the library makes of a struct with
// `msgpack:",as_array"`.
type Value[T any] struct{ V T }

// Of returns v as a Value.
func Of[T any](v T) Value[T] { return Value[T]{v} }

// MarshalMsg appends the value to b. Integers are written in their shortest
// form, as Tarantool takes them.
func (v Value[T]) MarshalMsg(b []byte) ([]byte, error) {
	out := bytes.NewBuffer(b)
	enc := msgpack.NewEncoder(out)
	enc.UseCompactInts(true)
	err := enc.Encode(v.V)
	return out.Bytes(), err
}

// UnmarshalMsg decodes the value at the start of b and returns what follows.
func (v *Value[T]) UnmarshalMsg(b []byte) ([]byte, error) {
	in := bytes.NewReader(b)
	if err := msgpack.NewDecoder(in).Decode(&v.V); err != nil {
		return b, err
	}
	return b[len(b)-in.Len():], nil
}
