package replication

import (
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// Body is what the body of a row says, for every type of row there is. Of a
// row that changes data Key, Tuple and Ops are arrays as MessagePack, nil where
// the row has none.
type Body struct {
	SpaceID   uint32
	IndexID   uint32
	IndexBase int // what the first field is numbered in Ops: 0, or 1 from Lua
	Key       []byte
	Tuple     []byte
	Ops       []byte
	Old, New  []byte // only the Enterprise Edition writes them

	// Of a decision on synchronous transactions.
	ReplicaID uint32 // whose transactions are decided on
	LSN       uint64 // up to or from which one
	Term      uint64

	// Of an answer or a heartbeat.
	VClock     types.VClock
	VClockSync uint64
	ReplicaSet string
	Ballot     []byte // a map
}

// DecodeBody reads the body of a row. It is empty for nil.
func DecodeBody(typ iproto.Type, b []byte) (Body, error) {
	var body Body
	if len(b) == 0 {
		return body, nil
	}
	r := mp.NewReader(b)
	for n := r.MapLen(); n > 0; n-- {
		if r.Type() != mp.TypeUint {
			r.Skip()
			r.Skip()
		} else {
			body.read(&r, typ, r.Uint())
		}
		if r.Err() != nil {
			break
		}
	}
	if err := r.Err(); err != nil {
		return body, fmt.Errorf("the body of a %v row: %w", typ, err)
	}
	return body, nil
}

func (body *Body) read(r *mp.Reader, typ iproto.Type, key uint64) {
	switch key {
	case uint64(iproto.KeySpaceID):
		body.SpaceID = readUint32(r, "space id")
	case uint64(iproto.KeyIndexID):
		body.IndexID = readUint32(r, "index id")
	case uint64(iproto.KeyIndexBase):
		if base := r.Uint(); base <= 1 {
			body.IndexBase = int(base)
		} else {
			r.Fail(fmt.Errorf("fields are counted from %d, neither 0 nor 1", base))
		}
	case uint64(iproto.KeyKey):
		body.Key = readArray(r)
	case uint64(iproto.KeyTuple):
		if typ == iproto.TypeUpdate { // the operations of an update are here
			body.Ops = readArray(r)
		} else {
			body.Tuple = readArray(r)
		}
	case uint64(iproto.KeyOps):
		body.Ops = readArray(r)
	case uint64(iproto.KeyOldTuple):
		body.Old = readArray(r)
	case uint64(iproto.KeyNewTuple):
		body.New = readArray(r)
	case uint64(iproto.KeyReplicaID):
		body.ReplicaID = readID(r)
	case uint64(iproto.KeyLSN):
		body.LSN = r.Uint()
	case uint64(iproto.KeyTerm):
		body.Term = r.Uint()
	case uint64(iproto.KeyVClock):
		body.VClock = ReadVClock(r)
	case uint64(iproto.KeyVClockSync):
		body.VClockSync = r.Uint()
	case uint64(iproto.KeyReplicasetUUID):
		body.ReplicaSet = r.String()
	case uint64(iproto.KeyBallot):
		body.Ballot = r.Raw()
	default:
		r.Skip()
	}
}

func readArray(r *mp.Reader) []byte {
	if r.Err() == nil && r.Type() != mp.TypeArray {
		r.Fail(fmt.Errorf("%v where an array has to be", r.Type()))
		return nil
	}
	return r.Raw()
}
