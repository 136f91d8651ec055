package tnttest

import "errors"

// errRefused is that of dialing a server which is down, as of a port where nobody
// listens.
var errRefused = errors.New("connection refused")
