// Package replication knows the rows that Tarantool's logs, snapshots and
// replication streams are made of: how one is encoded, which of them make a
// transaction, and when a synchronous transaction is decided. It reads bytes
// and does no input or output itself.
//
// The facts are those of src/box/xrow.c, src/box/txn_limbo.c and
// src/box/iproto_constants.h of Tarantool 2.6 to 3.8.
package replication
