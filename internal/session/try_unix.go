//go:build unix

package session

import "syscall"

// tryWrite writes what the kernel takes at once. Where it takes nothing n is 0
// without an error.
func tryWrite(fd uintptr, b []byte) (n int, err error) {
	for {
		n, err = syscall.Write(int(fd), b)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}

const canTry = true
