//go:build !unix

package socket

import "syscall"

const (
	hasSystemCalls = false
	quickMost      = 0
)

func systemRead(uintptr, []byte, bool) (int, error) { return 0, syscall.ENOSYS }

func systemWrite(uintptr, []byte, bool) (int, error) { return 0, syscall.ENOSYS }
