package cdc

import (
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

func subscribeBody(p Position, consumer uuid.UUID, version iproto.Version) []byte {
	w := wire.NewBody(nil)
	w.String(iproto.KeyReplicasetUUID, p.ReplicaSet.String())
	w.String(iproto.KeyInstanceUUID, consumer.String())
	w.Key(iproto.KeyVClock)
	w.B = replication.AppendVClock(w.B, p.VClock)
	w.Uint(iproto.KeyServerVersion, versionNumber(version))
	w.Bool(iproto.KeyReplicaAnon, true)
	return w.End()
}

// versionNumber is a version as servers tell it each other. They send what one
// of that version understands: this client takes what its server has.
func versionNumber(v iproto.Version) uint64 {
	return uint64(v.Major)<<16 | uint64(v.Minor)<<8 | uint64(v.Patch)
}

// snapshotBody asks for a snapshot, and from 3.3 on that the log be kept from
// there. Without a version the server sends nothing but rows.
func snapshotBody(consumer uuid.UUID, version iproto.Version) []byte {
	w := wire.NewBody(nil)
	if version.AtLeast(3, 3, 0) {
		w.String(iproto.KeyInstanceUUID, consumer.String())
	}
	return w.End()
}

// ackBody acknowledges a position. Before 2.10 that of an anonymous follower
// would count towards the quorum of synchronous transactions, so it is empty.
func ackBody(v types.VClock, version iproto.Version) []byte {
	if !version.AtLeast(2, 10, 0) {
		v = types.VClock{}
	}
	w := wire.NewBody(nil)
	w.Key(iproto.KeyVClock)
	w.B = replication.AppendVClock(w.B, v.Global())
	return w.End()
}

// A ballot is what a server says of itself when asked to vote.
type ballot struct {
	vclock types.VClock // how far its log goes
	gc     types.VClock // from where on it has it
}

const (
	ballotVClock = 2
	ballotGC     = 3
)

func (l *conn) vote() (b ballot, err error) {
	answer, err := l.exchange(iproto.TypeVote, nil)
	if err != nil {
		return b, err
	}
	body, err := replication.DecodeBody(answer.Type, answer.Body)
	if err != nil {
		return b, misread(err)
	}
	r := mp.NewReader(body.Ballot)
	for n := r.MapLen(); n > 0; n-- {
		switch r.Uint() {
		case ballotVClock:
			b.vclock = replication.ReadVClock(&r)
		case ballotGC:
			b.gc = replication.ReadVClock(&r)
		default:
			r.Skip()
		}
		if r.Err() != nil {
			break
		}
	}
	return b, misread(r.Err())
}

// rowsOf reads a whole space.
func (l *conn) rowsOf(space uint32) (rows [][]byte, err error) {
	w := wire.NewBody(nil)
	w.Uint(iproto.KeySpaceID, uint64(space))
	w.Uint(iproto.KeyIndexID, 0)
	w.Uint(iproto.KeyLimit, math.MaxUint32)
	w.Uint(iproto.KeyOffset, 0)
	w.Uint(iproto.KeyIterator, uint64(iproto.IterAll))
	w.Key(iproto.KeyKey)
	w.B = mp.AppendArrayLen(w.B, 0)
	answer, err := l.exchange(iproto.TypeSelect, w.End())
	if err != nil {
		return nil, err
	}
	var body wire.Body
	if err := body.Decode(answer.Body); err != nil {
		return nil, misread(err)
	}
	r := body.Reader(iproto.KeyData)
	for n := r.ArrayLen(); n > 0; n-- {
		rows = append(rows, r.Raw())
	}
	return rows, misread(r.Err())
}

// catalogNow reads the schema as it is.
func (l *conn) catalogNow() (*catalog, error) {
	c := newCatalog()
	for _, space := range []uint32{spaceSpace, spaceIndex} {
		rows, err := l.rowsOf(space)
		if err != nil {
			return nil, fmt.Errorf("the schema: %w", err)
		}
		for _, row := range rows {
			if _, _, err := c.apply(iproto.TypeInsert, &replication.Body{SpaceID: space, Tuple: row}); err != nil {
				return nil, misread(err)
			}
		}
	}
	return c, nil
}

// replicaSet reads which replica set the server is of.
func (l *conn) replicaSet() (uuid.UUID, error) {
	rows, err := l.rowsOf(spaceSchema)
	if err != nil {
		return uuid.Nil, fmt.Errorf("the replica set's UUID: %w", err)
	}
	for _, row := range rows {
		if id, ok := replicaSetRow(row); ok {
			return id, nil
		}
	}
	return uuid.Nil, errors.New("the server does not say which replica set it is of")
}

// replicaSetRow reads the row of _schema that names the replica set: "cluster"
// before 3.0.
func replicaSetRow(tuple []byte) (uuid.UUID, bool) {
	r := mp.NewReader(tuple)
	if r.ArrayLen() < 2 || r.Type() != mp.TypeString {
		return uuid.Nil, false
	}
	if name := r.String(); name != "cluster" && name != "replicaset_uuid" || r.Type() != mp.TypeString {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(r.String())
	return id, err == nil
}
