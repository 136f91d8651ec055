//go:build unix && (race || !linux || 386)

package socket

import "syscall"

// Here every call is one that the scheduler is told of. Package syscall has no
// others for this system, or the race detector is at work: it takes what one
// goroutine writes and another reads for something that orders them, as tests
// rely on whose server is in the same process.

const (
	hasSystemCalls = true
	quickMost      = 0
)

func systemRead(fd uintptr, p []byte, _ bool) (int, error) { return syscall.Read(int(fd), p) }

func systemWrite(fd uintptr, p []byte, _ bool) (int, error) { return syscall.Write(int(fd), p) }
