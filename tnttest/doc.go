// Package tnttest is a Tarantool for tests, in pure Go and in the test's own
// process. It speaks IPROTO as Tarantool 3 does, with memtx spaces, indexes,
// transactions and watchers, so that a connector cannot tell the difference:
//
//	srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
//		Name:    "users",
//		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
//		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
//	}))
//	err := srv.Space("users").Insert(1, "Ann")
//	conn, err := tnt.Connect(ctx, srv.Addr())
//
// There is no Lua and no SQL in it. What a test calls or executes is a Go
// function:
//
//	err := srv.HandleFunc("sum", func(a, b int) int { return a + b })
//	err = srv.HandleExecute("SELECT id, name FROM users WHERE id = ?", func(id uint64) ([]User, error) { ... })
//
// A replica set of such servers fails over as a real one does, in milliseconds:
//
//	rs := tnttest.RunReplicaSet(t, 3)
//	err := rs.Kill(rs.Leader())
//	leader, err := rs.WaitLeader(ctx)
//
// It keeps nothing on disk, and is for tests, demonstrations and development.
// The page docs/embedded-server.md of the project tells what it has, what it
// never will, and how it is held against the real server.
package tnttest
