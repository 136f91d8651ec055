// Package crud calls the module crud of Tarantool, which spreads spaces over a
// cluster that is sharded by vshard: a router of that cluster finds the
// storages, so any connection to a router will do.
//
//	routers := crud.New(conn)
//	user, err := crud.Get[User](ctx, routers, "users", 1)
//	_, err = crud.InsertObject[User](ctx, routers, "users", map[string]any{"id": 2, "name": "Bob"})
//	for user, err := range crud.Pages[User](ctx, routers, "users", nil, 1000) {
//		...
//	}
//
// Rows are decoded by the metadata that comes with them, so that a struct's
// fields with names in their tags (`tnt:"name"`) are found wherever the row
// has them; a struct without such tags takes a row's fields in their order, and
// a map has them by their names. A name in a tag that the row lacks is an error, so
// with Fields in the options take a struct that has no others. See tnt.One for the
// types.
//
// # Tuples and keys
//
// Insert and the other functions for tuples, and After in the options, take a list
// of fields by position: a slice, a tnt.Tuple, or a struct without names in its tags,
// which stands for its fields in their order. This package does not know a space's
// names before an answer comes, so a struct with names in its tags is an error there,
// before anything is sent. It is for InsertObject and the other functions for
// objects, which take it, or a map, by names.
//
// The field of the bucket's number may be nil, crud fills it in: in a struct make it a
// pointer, or leave it out of an object. A key is the value itself, or a list of the
// parts.
//
// # Time
//
// crud is told how long the caller waits: what is left of the context's time,
// or Timeout in the options where that is less. Where neither is set, crud
// waits as long as it thinks right (2 s).
//
// # What is not here
//
// crud.pairs can't be called over the network: Pages takes its place. crud.cut_rows,
// cut_objects and unflatten_rows do in Lua what types do here. crud.readview is of the
// Enterprise Edition, and crud.locate takes a module that is not crud's.
//
// # What to know about crud itself
//
// This is what module crud 1.7.5 does, on Tarantool 2.6.0 and 3.8.0, and this
// package can't change:
//
//   - Select, Pages, Min and Max return what the replica sets have that can be
//     reached, without an error, while a whole replica set is down: 9 of 20 rows
//     in a trial. Where that matters, map a function of your own over
//     all buckets by vshard.Map of this module, which is all or nothing. Count and
//     Len report an error then.
//   - The time that crud is given is not kept: asked for 1 s it took from 2 to
//     5.5 s, as its steps each take the whole of it. The context ends the
//     caller's wait all the same; the router may still be at work then.
//   - A condition on a field that does not exist finds nothing, and is no
//     error. Mind the spelling.
//   - Upsert swallows an operation that fails, such as an addition to a string.
//   - A select without First that no condition bounds reads all, and logs a
//     warning on the router unless FullScan is set.
//   - Errors carry a class and a text, no code, and the text differs by
//     version. Error.Duplicate knows the one that programs need.
//   - An error does not say whether something was written: after a timeout,
//     or a storage that is lost, look. No *Error is safe to retry.
//   - Options that are no good (a request's timeout over the whole one, an
//     unknown index of Min) are raised as errors of Lua, *tnt.Error with
//     errcode.ProcLua, not returned as *Error.
package crud
