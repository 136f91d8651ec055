//go:build !unix

package tarantool

import "syscall"

// Tarantool does not run here: this is for what imports the package to build.
const (
	sigStop = syscall.Signal(0)
	sigCont = syscall.Signal(0)
)
