package tnt

import (
	"errors"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// InsertArrow adds the rows of a batch in Apache Arrow's columnar format. It
// takes a server of protocol version 10 (Tarantool 3.3 and later), which
// announces FeatureInsertArrow; for another one it is a *FeatureError and
// nothing is sent. It also takes a space whose engine stores columns, which is
// one of Tarantool Enterprise: Community Edition knows the request, and answers
// errcode.Unsupported for every space. The answer has no tuples.
//
// Package github.com/gotnt/tnt/arrow, a module of its own, makes one of a
// batch of Arrow's Go library.
type InsertArrow struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	// IPC is the batch in Arrow's IPC streaming format: a message with the
	// schema and one with the record batch, each with its 0xffffffff and its
	// length, and no end-of-stream marker. It is not changed, and not used
	// after the request was sent.
	IPC []byte
}

// Type implements Request.
func (r InsertArrow) Type() iproto.Type { return iproto.TypeInsertArrow }

func (r InsertArrow) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeInsertArrow, Space: r.Space, SpaceID: r.SpaceID}
}

func (r InsertArrow) needs() uint64 { return 1 << iproto.FeatureInsertArrow }

var errNoArrow = errors.New("the batch is empty: IPC has no bytes")

func (r InsertArrow) encode(e *encoder) error {
	if len(r.IPC) == 0 {
		return errNoArrow
	}
	e.begin()
	if _, err := e.space(r.Space, r.SpaceID); err != nil {
		return err
	}
	e.Key(iproto.KeyArrow)
	e.B = mp.AppendExt(e.B, types.ExtArrow, r.IPC)
	e.B = e.End()
	return nil
}
