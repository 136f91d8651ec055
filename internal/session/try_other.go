//go:build !unix

package session

import "errors"

// canTry: here no write can be tried without waiting, so each is a goroutine's.
const canTry = false

func tryWrite(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
