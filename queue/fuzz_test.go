package queue

import (
	"testing"

	"github.com/gotnt/tnt/internal/luacall"
)

// Whatever a server sends for a task is one, or an error.
func FuzzEntry(f *testing.F) {
	f.Add([]byte{0x93, 0x07, 0xa1, 't', 0xc0})
	f.Add([]byte{0x92, 0x07, 0xa1, '-'})
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEntry(b)
		if err == nil && e.state == 0 {
			t.Errorf("% x is a task without a state", b)
		}
		_, _ = entryOf[map[string]any](e, err)
		_, _ = luacall.Decode[Statistics](b, nil)
	})
}
