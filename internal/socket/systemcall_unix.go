//go:build unix && (race || !linux || 386)

package socket

import "syscall"

// Here the scheduler is told of every call. On 386 package syscall has no number
// for recv(2), on systems other than Linux it was not tried. The race detector
// takes what one goroutine writes and another reads for something that orders
// them, as tests rely on whose server is in the same process.

const (
	hasSystemCalls = true
	quickMost      = 0
)

func systemRead(fd uintptr, p []byte, _ bool) (int, error) { return syscall.Read(int(fd), p) }

func systemWrite(fd uintptr, p []byte, _ bool) (int, error) { return syscall.Write(int(fd), p) }
