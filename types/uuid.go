package types

import (
	"fmt"

	"github.com/google/uuid"
)

// AppendUUID appends the data of an extension of type ExtUUID: 16 bytes in
// the order of the text form.
func AppendUUID(b []byte, id uuid.UUID) []byte { return append(b, id[:]...) }

// DecodeUUID reads the data of an extension of type ExtUUID.
func DecodeUUID(data []byte) (uuid.UUID, error) {
	if len(data) != len(uuid.UUID{}) {
		return uuid.Nil, fmt.Errorf("uuid: %d bytes of data, not %d", len(data), len(uuid.UUID{}))
	}
	return uuid.UUID(data), nil
}
