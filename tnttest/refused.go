//go:build !plan9

package tnttest

import "syscall"

// errRefused is that of dialing a server which is down, as of a port where nobody
// listens.
var errRefused error = syscall.ECONNREFUSED
