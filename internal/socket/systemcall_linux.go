//go:build !race && !386

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

// systemRead is recv(2) that never waits. A quick one, which the scheduler is not
// told of, may read less than there is.
func systemRead(fd uintptr, p []byte, quick bool) (int, error) {
	if quick {
		p = p[:min(len(p), quickMost)]
	}
	return transmit(syscall.SYS_RECVFROM, fd, p, syscall.MSG_DONTWAIT, quick)
}

// systemWrite is send(2) that never waits. A quick one, which the scheduler is
// not told of, is for quickMost bytes at the most.
func systemWrite(fd uintptr, p []byte, quick bool) (int, error) {
	return transmit(syscall.SYS_SENDTO, fd, p, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, quick)
}

func transmit(number, fd uintptr, p []byte, flags uintptr, quick bool) (n int, err error) {
	var done uintptr
	var errno syscall.Errno
	if quick {
		done, _, errno = syscall.RawSyscall6(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	} else {
		done, _, errno = syscall.Syscall6(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(done), nil
}
