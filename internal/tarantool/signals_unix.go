//go:build unix

package tarantool

import (
	"os"
	"syscall"
)

var (
	sigKill os.Signal = syscall.SIGKILL
	sigSegv os.Signal = syscall.SIGSEGV
	sigTerm os.Signal = syscall.SIGTERM
	sigStop os.Signal = syscall.SIGSTOP
	sigCont os.Signal = syscall.SIGCONT
)
