//go:build !unix

package tarantool

import "os"

// Tarantool does not run here: this is for what imports the package to build.
var sigKill, sigSegv, sigTerm, sigStop, sigCont os.Signal = os.Kill, os.Kill, os.Kill, os.Kill, os.Kill
