package session

import (
	"syscall"
	"unsafe"
)

// unsent returns how many bytes written to a socket wait in the system's buffers for
// the peer's side to take them: of TCP those not acknowledged (tcp(7), SIOCOUTQ).
func unsent(socket syscall.RawConn) (n uint64) {
	_ = socket.Control(func(fd uintptr) { // an error is that of a closed socket: nothing waits
		var bytes int32
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&bytes)))
		if errno == 0 && bytes > 0 {
			n = uint64(bytes)
		}
	})
	return n
}

// tellsUnsent reports whether unsent knows.
const tellsUnsent = true
