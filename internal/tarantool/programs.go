package tarantool

// TB is what Programs needs of a testing.TB: what is shipped does not import testing.
type TB interface {
	Helper()
	Fatal(args ...any)
	Skip(args ...any)
}

// Programs returns what Find does, for a test of real servers, which it skips where
// there is none.
func Programs(tb TB) []Program {
	tb.Helper()
	programs, err := Find()
	if err != nil {
		tb.Fatal(err)
	}
	if len(programs) == 0 {
		tb.Skip("no real server: none on PATH nor in TARANTOOL")
	}
	return programs
}
