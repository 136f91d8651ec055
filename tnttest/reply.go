package tnttest

import (
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// reply is an answer without its header.
type reply struct {
	status iproto.Type
	body   []byte
	// none tells that there is no answer: WATCH and UNWATCH have none. event is the
	// frame that a WATCH brings about, nil for none.
	none  bool
	event []byte
}

var okReply = reply{body: []byte{0x80}}

// errorReply is the answer that a request failed.
func errorReply(e *types.Error) reply {
	if e.Fields["name"] == nil && e.Type == "ClientError" {
		if name := e.Code.String(); len(name) > 3 && name[:3] == "ER_" {
			e.SetField("name", name[3:])
		}
	}
	b := mp.AppendMapLen(nil, 2)
	b = append(b, byte(iproto.KeyError24))
	b = mp.AppendString(b, e.Message)
	b = append(b, byte(iproto.KeyError))
	whole, err := mp.AppendError(b, e)
	if err != nil { // a payload that cannot be encoded
		bare := *e
		bare.Fields = nil
		whole, _ = mp.AppendError(b, &bare)
	}
	return reply{status: iproto.TypeError | iproto.Type(e.Code&(1<<15-1)), body: whole}
}

// tupleReply is the answer that holds tuples of a space.
func (c *Conn) tupleReply(sp *memtx.Space, tuples [][]byte, position []byte) reply {
	pairs := 1
	asExt := c.has(iproto.FeatureDMLTupleExtension)
	if asExt {
		pairs++
	}
	if position != nil {
		pairs++
	}
	b := mp.AppendMapLen(nil, pairs)
	b = appendDataLen(b, len(tuples))
	for _, t := range tuples {
		if asExt {
			b = appendTuple(b, sp.FormatID(), t)
		} else {
			b = append(b, t...)
		}
	}
	if position != nil {
		b = append(b, byte(iproto.KeyPosition))
		b = mp.AppendStringBytes(b, position)
	}
	if asExt {
		b = append(b, byte(iproto.KeyTupleFormats))
		if len(tuples) == 0 {
			return reply{body: mp.AppendMapLen(b, 0)}
		}
		b = mp.AppendMapLen(b, 1)
		b = mp.AppendUint(b, uint64(sp.FormatID()))
		b = append(b, sp.Def.RawFormat...)
	}
	return reply{body: b}
}

// appendDataLen appends IPROTO_DATA and the head of its array, in the width
// that a server writes it in.
func appendDataLen(b []byte, n int) []byte {
	return append(b, byte(iproto.KeyData), 0xdd, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// appendTuple appends a tuple as MP_TUPLE: the number of its format before it.
func appendTuple(b []byte, format uint32, tuple []byte) []byte {
	var head [8]byte
	id := mp.AppendUint(head[:0], uint64(format))
	b = mp.AppendExtLen(b, extTuple, len(id)+len(tuple))
	b = append(b, id...)
	return append(b, tuple...)
}

// dataReply is the answer that holds n values.
func dataReply(n int, values []byte) reply {
	b := mp.AppendMapLen(nil, 1)
	b = appendDataLen(b, n)
	return reply{body: append(b, values...)}
}

// encodeFrame returns an answer as a frame, nothing where there is none and where it
// is too long for one.
func (c *Conn) encodeFrame(h wire.Header, r reply) []byte {
	if r.none {
		return r.event
	}
	b := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{
		Type: r.status, Sync: h.Sync, SchemaVersion: c.srv.schemaVersion.Load(),
	})
	b = append(b, r.body...)
	if wire.EndFrame(b, 0) != nil {
		return nil
	}
	return b
}

// reply writes an answer.
func (c *Conn) reply(h wire.Header, r reply) {
	c.out.write(c.encodeFrame(h, r))
}

// extTuple is the type of extension of MP_TUPLE.
const extTuple = 7
