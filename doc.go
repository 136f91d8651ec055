// Package tnt is a connector for Tarantool, the in-memory database and
// application server.
//
// A Conn is one connection that many goroutines share; it restores itself
// when it is lost. Requests are plain structs, done by Conn.Do, or by the
// methods and functions that build them:
//
//	conn, err := tnt.Connect(ctx, "tarantool://alice:s3cret@127.0.0.1:3301")
//	...
//	user, err := tnt.One[User](ctx, conn, tnt.Select{Space: "users", Key: tnt.K(1)})
//
// Untyped results hold these Go types: nil, bool, int64 (uint64 only above the
// largest int64), float64, string (MP_STR, which need not be UTF-8), []byte
// (MP_BIN), []any, map[string]any where all keys are strings and map[any]any
// elsewhere, decimal.Decimal, uuid.UUID, time.Time, types.Interval and *Error.
package tnt
