package cdc

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
)

// Checkpoint is a Position with what makes a Feed go on exactly as it was: the
// schema of that moment, so that rows get the names they had then, and the
// consumer by which a server of 3.3 and later keeps the log.
//
// It is a few hundred bytes for each space. Where that is too much to store
// with each transaction, store one where Tx.SchemaChanged, and with the others
// the Position alone; then set the Checkpoint's Position to the latter.
type Checkpoint struct {
	Position Position
	Consumer uuid.UUID

	schema []byte // nil: none
}

// checkpointForm is the version of a Checkpoint's binary form.
const checkpointForm = 1

// MarshalBinary returns the bytes that UnmarshalBinary reads.
func (c Checkpoint) MarshalBinary() ([]byte, error) {
	b := mp.AppendUint(mp.AppendArrayLen(nil, 5), checkpointForm)
	b = mp.AppendBinary(b, c.Position.ReplicaSet[:])
	b = replication.AppendVClock(b, c.Position.VClock)
	b = mp.AppendBinary(b, c.Consumer[:])
	return mp.AppendBinary(b, c.schema), nil
}

// UnmarshalBinary reads a Checkpoint of MarshalBinary.
func (c *Checkpoint) UnmarshalBinary(b []byte) error {
	r := mp.NewReader(b)
	if n := r.ArrayLen(); n != 5 || r.Uint() != checkpointForm {
		return errors.Join(errors.New("cdc: not a checkpoint of this version"), r.Err())
	}
	var read Checkpoint
	set := r.Binary()
	read.Position.VClock = replication.ReadVClock(&r)
	consumer := r.Binary()
	read.schema = append([]byte(nil), r.Binary()...)
	if err := r.Err(); err != nil {
		return fmt.Errorf("cdc: not a checkpoint: %w", err)
	}
	if copy(read.Position.ReplicaSet[:], set) != len(set) || len(set) != 16 || copy(read.Consumer[:], consumer) != len(consumer) || len(consumer) != 16 {
		return errors.New("cdc: not a checkpoint: its ids are not UUIDs")
	}
	if len(read.schema) == 0 {
		read.schema = nil
	} else if _, err := decodeCatalog(read.schema); err != nil {
		return err
	}
	*c = read
	return nil
}
