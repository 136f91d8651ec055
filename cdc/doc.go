// Package cdc follows the changes of a Tarantool server: every confirmed
// transaction of its log, whole and in order, over the replication protocol,
// as an anonymous replica. Community Edition, 2.6 and later, is enough.
//
//	feed := cdc.Stream(ctx, []tnt.Options{{Address: "127.0.0.1:3301", User: "reader", Password: "..."}}, cdc.Options{})
//	for tx, err := range feed.All() {
//		if err != nil {
//			return err
//		}
//		for _, change := range tx.Changes {
//			...
//		}
//		store(tx.Checkpoint())
//	}
//
// A Feed starts with the data that are there, then gives what changes them. Lost
// connections are restored, also to another of several servers, and the feed
// goes on behind the last whole transaction. Who stores the Position of a
// transaction together with its effect sees each exactly once, over restarts of
// both sides.
//
// The user needs the role "replication" on the server, or the right to read the
// universe (and, from 3.3 on, to write the space _gc_consumers).
package cdc
