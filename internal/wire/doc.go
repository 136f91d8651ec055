// Package wire is the codec of IPROTO: greetings, frames, headers, bodies and
// scrambles, encoded and decoded for both sides, so that the client and the embedded
// server share one. The numbers and names are those of package iproto; the layout is
// described in https://www.tarantool.io/en/doc/latest/reference/internals/iproto/.
package wire
