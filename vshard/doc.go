// Package vshard is a router of a cluster that Tarantool's module vshard
// shards: it knows which replica set has a bucket, and calls functions there,
// without a router in between.
//
//	router, err := vshard.Open(ctx, vshard.Config{
//		Buckets: 30000,
//		ReplicaSets: []vshard.ReplicaSet{
//			{UUID: "cbf06940-0790-498b-948d-042b62cf3d29", Instances: []pool.Instance{
//				{Name: "s1a", Options: tnt.Options{Address: "10.0.0.1:3301"}},
//				{Name: "s1b", Options: tnt.Options{Address: "10.0.0.2:3301"}},
//			}},
//		},
//	})
//	...
//	bucket, err := router.StrCRC32(userID)
//	user, err := vshard.One[User](ctx, router, vshard.Call{Bucket: bucket, Mode: vshard.RO, Function: "get_user", Args: []any{userID}})
//
// # What it knows
//
// Where each bucket is, is a table that belongs to a configuration. Reconfigure
// makes another one and swaps it at once, so a call sees one or the other. Within a table
// nothing changes but single entries: one that turns out wrong is corrected in its place,
// by an atomic store, as storages tell of buckets that were moved. So two calls of the
// same moment may find a bucket at two places while it is moved; the storages refuse the
// one that is wrong.
//
// Each replica set is a pool, see package pool: it knows by events which instance is the
// master. A storage that says that another one is has the last word, for a second.
//
// # Calls
//
// A call is done once, as far as can be known. It is done again where it surely
// was not done: the bucket is elsewhere, is being moved, or the instance is not
// the master, is not ready, or could not be reached. It pauses in between, 8 to
// 65 milliseconds, until its context ends or Config.MaxWait has passed; the
// error is then the last one. A read that was lost on its way is done again; of
// a write that was lost nobody knows whether it was done, so it is returned.
//
// What the function raises is a *FunctionError and is never done again, whatever
// its code: module vshard gives its own errors the codes of the server's. vshard
// passes on at most three results of a function.
//
// # Everywhere
//
// Map calls a function on the masters of all replica sets, or of those that have
// certain buckets, while no bucket is moved: all or nothing.
//
// # Rights
//
// The user of the instances' options takes the right to execute
// vshard.storage.call, bucket_stat, buckets_discovery and _call, and before 2.10
// box.info, by which pools learn which instance is the master. An instance
// that refuses one of vshard's, or that is not configured yet, is left alone for 5 s.
package vshard
