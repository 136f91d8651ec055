//go:build !race

package socket

import (
	"syscall"
	"unsafe"
)

// hasSystemCalls tells whether sockets can be read and written here by system
// calls that don't wait.
const hasSystemCalls = true

// quickMost is how many bytes go in one call that the scheduler is not told of:
// some microseconds' worth, for nothing can stop the goroutine meanwhile.
const quickMost = 64 << 10

// systemRead is read(2) of a socket that doesn't block. A quick one, which the
// scheduler is not told of, may read less than there is.
func systemRead(fd uintptr, p []byte, quick bool) (int, error) {
	if quick {
		return quickCall(syscall.SYS_READ, fd, p[:min(len(p), quickMost)])
	}
	return syscall.Read(int(fd), p)
}

// systemWrite is write(2) to a socket that doesn't block. A quick one, which the
// scheduler is not told of, is for quickMost bytes at the most.
func systemWrite(fd uintptr, p []byte, quick bool) (int, error) {
	if quick {
		return quickCall(syscall.SYS_WRITE, fd, p)
	}
	return syscall.Write(int(fd), p)
}

func quickCall(number, fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
