package types

import (
	"encoding/hex"
	"testing"

	"github.com/google/uuid"
)

// The data of the extension is the 16 bytes in the order of the text, as box.info.uuid
// is sent by a server; any other number of bytes is an error.
func TestUUIDData(t *testing.T) {
	id := uuid.MustParse("f6423bdf-b49e-4913-b361-0740c9702e4b")
	data := AppendUUID([]byte{0xff}, id)
	if got := hex.EncodeToString(data); got != "fff6423bdfb49e4913b3610740c9702e4b" {
		t.Errorf("the data are %s", got)
	}
	if got, err := DecodeUUID(data[1:]); got != id || err != nil {
		t.Errorf("read back: %v, %v", got, err)
	}
	for _, n := range []int{0, 15, 17} {
		if got, err := DecodeUUID(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are read as %v", n, got)
		}
	}
}
