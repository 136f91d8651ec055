package xlog

import (
	"time"

	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
)

// Row is a row of a file. It is the user's to keep; Body must not be changed,
// as rows of a block share memory.
type Row struct {
	Type      iproto.Type
	ReplicaID uint32 // the instance that wrote the row; 0 of snapshots and local spaces
	// Local reports a row of a local space, whose LSN counts in component 0.
	Local bool
	LSN   uint64
	// TSN is the same for all rows of a transaction: the LSN of the first of
	// them that is not local.
	TSN uint64
	// HasTSN reports that the row itself names its transaction. One that does
	// not is the last of it.
	HasTSN bool
	// Last reports the last row of a transaction.
	Last bool
	// Flags are IPROTO_FLAGS: 1 for the last of several rows, 2 for a
	// transaction that waits behind synchronous ones, 4 for a synchronous one.
	Flags uint8
	// Timestamp is when the row was written, in seconds since 1970. See Time.
	Timestamp float64
	// Body is a MessagePack map, nil where the row has none.
	Body []byte
}

// Time returns when the row was written, to the microsecond; the zero Time
// where the row does not say.
func (r *Row) Time() time.Time { return replication.Time(r.Timestamp) }

// Data is what a row does. Key, Tuple and Ops are arrays as MessagePack, nil
// where the row has none.
type Data struct {
	SpaceID uint32
	Key     []byte // Update, Delete
	Tuple   []byte // Insert, Replace, Upsert
	Ops     []byte // Update, Upsert: the operations
	// IndexBase is how the operations count fields: from 0, or from 1.
	IndexBase int
	// Old and New are the tuple before and after. Only the Enterprise Edition
	// writes them, where it is told to.
	Old, New []byte

	// Of rows that decide on synchronous transactions (the types Raft…): whose
	// transactions, up to which LSN (or from it on, of RaftRollback), and the
	// term of an election.
	ReplicaID uint32
	LSN, Term uint64
}

// Data decodes the body of a row. Rows of vinyl's runs and logs are like
// others; those of its .index files are not known here, and have only a Body.
func (r *Row) Data() (Data, error) {
	if r.Type >= iproto.TypeVinylRunInfo && r.Type <= iproto.TypeVinylRowIndex || r.Type == iproto.TypeRaft {
		return Data{}, nil
	}
	b, err := replication.DecodeBody(r.Type, r.Body)
	if err != nil {
		return Data{}, err
	}
	return Data{
		SpaceID: b.SpaceID, Key: b.Key, Tuple: b.Tuple, Ops: b.Ops, IndexBase: b.IndexBase, Old: b.Old, New: b.New,
		ReplicaID: b.ReplicaID, LSN: b.LSN, Term: b.Term,
	}, nil
}

func exportRow(r *replication.Row) Row {
	return Row{
		Type: r.Type, ReplicaID: r.ReplicaID, Local: r.Local(), LSN: r.LSN, TSN: r.TSN, HasTSN: r.HasTSN, Last: r.Last(),
		Flags: uint8(r.Flags), Timestamp: r.Timestamp, Body: r.Body,
	}
}
