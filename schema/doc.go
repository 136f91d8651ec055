// Package schema describes the spaces of a Tarantool server: their indexes and
// the formats of their tuples.
//
// A connection fetches the schema of its server (Conn.Schema of package tnt). New
// and NewFormat make one by hand, for tests and for tuples that come from
// somewhere else; ParseSpace and ParseIndex make one of the rows of the system
// spaces that hold it.
//
// Everything here is written once and then only read, so it is safe for
// concurrent use as long as nobody changes the exported fields.
package schema
