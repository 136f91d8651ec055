// Package pool puts several servers behind the interface of one connection: the
// instances of a replica set, whose master may change at any time, or several routers
// that are all alike.
//
//	p, err := pool.Connect(ctx, "tarantool://app:secret@a:3301,b:3301,c:3301/")
//	user, err := tnt.One[User](ctx, p, tnt.Select{Space: "users", Key: tnt.K(1)})
//
// A Pool is a tnt.Executor, as a tnt.Conn is: the functions of package tnt work on
// it. So are its views, which choose among the instances: Master (which the Pool
// itself is), Replica, PreferReplica, Any and On.
//
// Each instance has a control connection, over which its role is learned, and one
// or several for requests. Roles come by the events box.id, box.status and
// box.election (Tarantool 2.10 and later), by asking for box.info each second from
// older servers, and by what ER_READONLY says.
//
// What is done again on another instance, what waits and what is returned is the
// table in docs/pool.md. Nothing that may have been executed is done twice, unless it
// is a read or marked by tnt.Idempotent or View.Idempotent.
package pool
