package main

import (
	"strings"

	"github.com/gotnt/tnt/tnttest"
)

// schema is that of the database; its method Lua has it for a real one.
var schema = tnttest.Schema{Spaces: []tnttest.SpaceDef{{
	Name:    "accounts",
	Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "balance", Type: "integer"}},
	Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id")},
}}}

// embedded starts a replica set in this process, with two accounts.
func embedded() (*tnttest.ReplicaSet, error) {
	rs, err := tnttest.StartReplicaSet(3, tnttest.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		rs.Close() //nolint:errcheck // the error that counts is the first
		return nil, err
	}
	accounts := rs.Instance(rs.Leader()).Space("accounts")
	for id := 1; id <= 2; id++ {
		if err := accounts.Insert(id, 100); err != nil {
			rs.Close() //nolint:errcheck // as above
			return nil, err
		}
	}
	return rs, nil
}

// url names all members of a replica set.
func url(rs *tnttest.ReplicaSet) string { return "tarantool://" + strings.Join(rs.Addrs(), ",") + "/" }
