// Package xlog reads Tarantool's files: logs (.xlog), snapshots (.snap), and
// those of vinyl (.vylog, .run, .index).
//
//	r, err := xlog.Open("00000000000000000047.xlog")
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	for row, err := range r.Rows() {
//		...
//	}
//
// Every checksum is verified. Damage is an error that says where it is, or
// with [Salvage] is passed over and reported. A file that its server still
// writes ends without an end mark, which is no error; [Follow] waits for more
// of it. [OpenDir] finds what came after a position in a directory of logs,
// follows them from one to the next, and verifies all of its files.
//
// The package is a module of its own because it needs a library for zstd.
package xlog
