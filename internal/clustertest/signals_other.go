//go:build !unix

package clustertest

import "os"

// Tarantool does not run here: this is for tests that import the package to build.
var sigStop, sigCont os.Signal = os.Kill, os.Kill
