package replication

import (
	"fmt"
	"math"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// Flags are IPROTO_FLAGS of a row.
type Flags uint8

// The flags. A transaction is synchronous if its last row has both FlagWaitSync
// and FlagWaitAck: rows that were made NOPs because their term is over keep
// FlagWaitAck alone, and wait for nothing.
const (
	FlagCommit   Flags = 1 << iota // the last row of a transaction of several
	FlagWaitSync                   // the transaction waits behind synchronous ones
	FlagWaitAck                    // the transaction is synchronous
)

// Synchronous reports whether the flags of a last row are those of a
// synchronous transaction.
func (f Flags) Synchronous() bool {
	return f&(FlagWaitSync|FlagWaitAck) == FlagWaitSync|FlagWaitAck
}

// GroupLocal is the GroupID of rows of local spaces, whose LSN is counted in
// component 0 and which no other instance is told of.
const GroupLocal = 1

// Row is one row. Body points into the bytes that it was decoded from.
type Row struct {
	Type      iproto.Type
	ReplicaID uint32 // of the instance that wrote the row; 0 in snapshots and for local rows
	GroupID   uint32
	LSN       uint64
	// TSN is the LSN of a row of the transaction that the row is in: all rows
	// of it have the same.
	TSN uint64
	// HasTSN reports that the row said so itself. One that does not is the last
	// of its transaction.
	HasTSN    bool
	Flags     Flags
	Timestamp float64 // seconds since 1970
	Sync      uint64
	Body      []byte // a MessagePack map, nil where there is none
}

// Last reports whether the row is the last of its transaction.
func (r *Row) Last() bool { return !r.HasTSN || r.Flags&FlagCommit != 0 }

// Local reports whether the row is of a local space.
func (r *Row) Local() bool { return r.GroupID == GroupLocal }

// Time makes a time of a Timestamp, to the microsecond: the zero Time of 0.
func Time(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	whole, frac := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(frac*1e6))*1e3)
}

// DecodeRow reads a row: its header and, where there is one, its body. A NOP
// has none, so that what follows it is the next row.
func DecodeRow(r *mp.Reader) (Row, error) {
	row, err := decodeHeader(r)
	if err != nil {
		return row, err
	}
	if r.Len() == 0 || row.Type == iproto.TypeNop {
		return row, nil
	}
	if r.Type() != mp.TypeMap {
		return row, fmt.Errorf("the body of a %v row is %v, not a map", row.Type, r.Type())
	}
	row.Body = r.Raw()
	if err := r.Err(); err != nil {
		return row, fmt.Errorf("the body of a %v row: %w", row.Type, err)
	}
	return row, nil
}

func decodeHeader(r *mp.Reader) (Row, error) {
	var row Row
	if r.Type() != mp.TypeMap {
		return row, fmt.Errorf("the header of a row is %v, not a map", r.Type())
	}
	var back uint64 // how far behind its LSN its TSN is
	for n := r.MapLen(); n > 0; n-- {
		switch r.Uint() { // not as a Key, which would cut off a key unknown here
		case uint64(iproto.KeyRequestType):
			row.Type = iproto.Type(readUint32(r, "type"))
		case uint64(iproto.KeySync):
			row.Sync = r.Uint()
		case uint64(iproto.KeyReplicaID):
			row.ReplicaID = readID(r)
		case uint64(iproto.KeyLSN):
			row.LSN = r.Uint()
		case uint64(iproto.KeyTimestamp):
			row.Timestamp = r.Float64()
		case uint64(iproto.KeyGroupID):
			row.GroupID = readUint32(r, "group")
		case uint64(iproto.KeyTSN):
			row.HasTSN, back = true, readDifference(r)
		case uint64(iproto.KeyFlags):
			row.Flags = Flags(r.Uint())
		default:
			r.Skip()
		}
		if r.Err() != nil {
			break
		}
	}
	row.TSN = row.LSN - back // a negative difference wraps around twice
	if err := r.Err(); err != nil {
		return row, fmt.Errorf("the header of a row: %w", err)
	}
	return row, nil
}

// readDifference reads a difference of LSNs. A negative one, which local rows
// have, is written as a large unsigned number.
func readDifference(r *mp.Reader) uint64 {
	if r.Type() == mp.TypeInt {
		return uint64(r.Int())
	}
	return r.Uint()
}

func readUint32(r *mp.Reader, what string) uint32 {
	v := r.Uint()
	if v > 1<<32-1 {
		r.Fail(fmt.Errorf("%s is %d, more than 32 bits hold", what, v))
	}
	return uint32(v)
}

// readID reads the id of an instance, which a VClock has a component for.
func readID(r *mp.Reader) uint32 {
	v := r.Uint()
	if v >= types.VClockSize {
		r.Fail(fmt.Errorf("replica id is %d, more than %d", v, types.VClockSize-1))
		return 0
	}
	return uint32(v)
}

// ReadVClock reads a vclock: a map of ids and LSNs.
func ReadVClock(r *mp.Reader) types.VClock {
	var v types.VClock
	for n := r.MapLen(); n > 0; n-- {
		id := readID(r)
		lsn := r.Uint()
		if r.Err() != nil {
			return types.VClock{}
		}
		v[id] = lsn
	}
	return v
}

// AppendVClock appends a vclock. Components of 0 are left out.
func AppendVClock(b []byte, v types.VClock) []byte {
	n := 0
	for _, lsn := range v {
		if lsn != 0 {
			n++
		}
	}
	b = mp.AppendMapLen(b, n)
	for id, lsn := range v {
		if lsn != 0 {
			b = mp.AppendUint(mp.AppendUint(b, uint64(id)), lsn)
		}
	}
	return b
}

// Follow moves a vclock past a row.
func Follow(v *types.VClock, row *Row) {
	id := row.ReplicaID
	if row.Local() {
		id = 0
	}
	if row.LSN > v[id] {
		v[id] = row.LSN
	}
}
