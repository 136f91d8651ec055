package tnttest

import (
	"errors"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// request is a request as it was decoded. It points into the frame.
type request struct {
	header  wire.Header
	body    wire.Body
	hasBody bool
	raw     []byte // the body
	stream  *stream
	bad     *types.Error // why it can't be executed, nil: it can

	// Of a request that waits in its stream.
	fault   *fault
	handler Handler
}

func errMsgpack(format string, args ...any) *types.Error {
	return memtx.Errorf(errcode.InvalidMsgpack, "Invalid MsgPack - "+format, args...)
}

// decode reads a request: what does not depend on the state of the server.
// The header is valid as far as it could be read.
func decode(frame []byte, version iproto.Version, protocol uint64) (*request, *types.Error) {
	req := new(request)
	r := mp.NewReader(frame)
	check := r
	check.Skip()
	if check.Err() != nil {
		return req, errMsgpack("packet header")
	}
	var err error
	if req.header, err = wire.DecodeHeader(&r); err != nil {
		return req, errMsgpack("packet header")
	}
	if req.raw = r.Rest(); len(req.raw) > 0 {
		if err := checkBody(req.raw); err != nil {
			return req, err
		}
		req.hasBody = true
	}
	if err := checkStream(req.header, protocol); err != nil {
		return req, err
	}
	if err := req.checkType(version, protocol); err != nil {
		return req, err
	}
	return req, nil
}

// checkBody reports whether the bytes are one value of MessagePack.
func checkBody(b []byte) *types.Error {
	r := mp.NewReader(b)
	r.Skip()
	var cause *types.Error
	switch {
	case errors.Is(r.Err(), mp.ErrTruncated):
		cause = errMsgpack("truncated input")
	case r.Err() != nil:
		cause = errMsgpack("illegal code")
	case r.Len() > 0:
		cause = errMsgpack("junk after input")
	default:
		return nil
	}
	e := errMsgpack("packet body")
	e.Cause = cause
	return e
}

// statMax is IPROTO_TYPE_STAT_MAX: types below it can be sent in a stream.
const statMax = iproto.TypeDeleteRange + 1

func checkStream(h wire.Header, protocol uint64) *types.Error {
	switch t := h.Type; {
	case h.StreamID != 0 && (t > statMax && t != iproto.TypePing || t == iproto.TypeAuth):
		return memtx.Errorf(errcode.UnableToProcessInStream, "Unable to process %v request in stream", t)
	case h.StreamID == 0 && (t == iproto.TypeBegin || t == iproto.TypeCommit || t == iproto.TypeRollback) && protocol > 0:
		return memtx.Errorf(errcode.UnableToProcessOutOfStream, "Unable to process %v request out of stream", t)
	}
	return nil
}

// since is the version of the protocol that a type of request came with.
func since(t iproto.Type) uint64 {
	switch t {
	case iproto.TypeBegin, iproto.TypeCommit, iproto.TypeRollback, iproto.TypeID:
		return 1
	case iproto.TypeWatch, iproto.TypeUnwatch:
		return 3
	case iproto.TypeWatchOnce:
		return 6
	case iproto.TypeInsertArrow:
		return 10
	}
	return 0
}

// checkType checks the body by the type of the request.
func (req *request) checkType(version iproto.Version, protocol uint64) *types.Error {
	t := req.header.Type
	if since(t) > protocol {
		return errUnknownType(t)
	}
	switch t {
	case iproto.TypeSelect, iproto.TypeInsert, iproto.TypeReplace, iproto.TypeUpdate, iproto.TypeDelete, iproto.TypeUpsert,
		iproto.TypeInsertArrow:
		return req.checkDML()
	case iproto.TypeBegin, iproto.TypeCommit:
		if !req.hasBody {
			return nil
		}
		return req.decodeBody("request body", nil)
	case iproto.TypeID:
		if !req.hasBody {
			return errMsgpack("request body")
		}
		return req.decodeBody("request body", nil)
	case iproto.TypeCall, iproto.TypeCall16:
		return req.checkBodied(callKeys, iproto.KeyFunctionName)
	case iproto.TypeEval:
		return req.checkBodied(callKeys, iproto.KeyExpr)
	case iproto.TypeAuth:
		return req.checkBodied(authKeys, iproto.KeyUserName, iproto.KeyTuple)
	case iproto.TypeWatch, iproto.TypeUnwatch, iproto.TypeWatchOnce:
		return req.checkBodied(nil, iproto.KeyEventKey)
	case iproto.TypeExecute, iproto.TypePrepare:
		return req.checkSQL()
	case iproto.TypePing, iproto.TypeRollback, iproto.TypeVote, iproto.TypeVoteOld:
		return nil
	case iproto.TypeSubscribe, iproto.TypeFetchSnapshot:
		return req.checkFollow(version)
	case iproto.TypeJoin, iproto.TypeRegister:
		return memtx.Errorf(errcode.Unsupported, "The embedded server does not support %v: it has anonymous followers only", t)
	}
	return errUnknownType(t)
}

// checkSQL checks the body of an EXECUTE or a PREPARE: it has a text, or the
// number of a statement.
func (req *request) checkSQL() *types.Error {
	if err := req.checkBodied(sqlKeys); err != nil {
		return err
	}
	switch text, id := req.body.Has(iproto.KeySQLText), req.body.Has(iproto.KeyStmtID); {
	case text && id:
		return errMsgpack("SQL text and statement id are incompatible options in one request: choose one")
	case !text && !id:
		return memtx.Errorf(errcode.MissingRequestField, "Missing mandatory field 'SQL_TEXT or STMT_ID' in request")
	}
	return nil
}

func errUnknownType(t iproto.Type) *types.Error {
	return memtx.Errorf(errcode.UnknownRequestType, "Unknown request type %d", t)
}

var (
	callKeys = []iproto.Key{iproto.KeyFunctionName, iproto.KeyExpr, iproto.KeyTuple, iproto.KeyTupleFormats}
	sqlKeys  = []iproto.Key{iproto.KeySQLText, iproto.KeySQLBind, iproto.KeyStmtID}
	authKeys = []iproto.Key{iproto.KeyUserName, iproto.KeyTuple}
)

// checkBodied checks a body that has to be there. Only the values of some
// keys need be of the right type, of all where keys is nil.
func (req *request) checkBodied(keys []iproto.Key, mandatory ...iproto.Key) *types.Error {
	if !req.hasBody {
		return errMsgpack("missing request body")
	}
	if err := req.decodeBody("packet body", keys); err != nil {
		return err
	}
	return req.need(mandatory...)
}

func (req *request) need(keys ...iproto.Key) *types.Error {
	for _, k := range keys {
		if !req.body.Has(k) {
			return memtx.Errorf(errcode.MissingRequestField, "Missing mandatory field '%v' in request", k)
		}
	}
	return nil
}

// decodeBody decodes the body and checks the types of its values as strictly
// as a server does.
func (req *request) decodeBody(what string, keys []iproto.Key) *types.Error {
	if mp.TypeOf(req.raw[0]) != mp.TypeMap {
		return errMsgpack(what)
	}
	err := req.body.Decode(req.raw)
	var field *wire.FieldError
	if err != nil && (keys == nil || !errors.As(err, &field) || contains(keys, field.Key)) {
		return errMsgpack(what)
	}
	if keys != nil {
		for _, k := range keys {
			if !req.typed(k) {
				return errMsgpack(what)
			}
		}
		return nil
	}
	for k := range iproto.Key(maxKey) {
		if !req.typed(k) {
			return errMsgpack(what)
		}
	}
	return nil
}

// maxKey is past all keys of bodies.
const maxKey = 0x65

func contains(keys []iproto.Key, k iproto.Key) bool {
	for _, x := range keys {
		if x == k {
			return true
		}
	}
	return false
}

// typed reports whether the value of the key, if there is one, has its type.
func (req *request) typed(k iproto.Key) bool {
	want := wire.TypeOf(k)
	return want == mp.TypeInvalid || !req.body.Has(k) || mp.TypeOf(req.body.Raw(k)[0]) == want
}

// mandatory tells what a change or a select has to have, in the order in which
// the server names what is missing.
var mandatory = map[iproto.Type][]iproto.Key{
	iproto.TypeSelect:  {iproto.KeySpaceID, iproto.KeyLimit, iproto.KeyKey},
	iproto.TypeInsert:  {iproto.KeySpaceID, iproto.KeyTuple},
	iproto.TypeReplace: {iproto.KeySpaceID, iproto.KeyTuple},
	iproto.TypeUpdate:  {iproto.KeySpaceID, iproto.KeyKey, iproto.KeyTuple},
	iproto.TypeDelete:  {iproto.KeySpaceID, iproto.KeyKey},
	iproto.TypeUpsert:  {iproto.KeySpaceID, iproto.KeyTuple, iproto.KeyOps},

	iproto.TypeInsertArrow: {iproto.KeySpaceID, iproto.KeyArrow},
}

func (req *request) checkDML() *types.Error {
	if req.hasBody {
		if err := req.decodeBody("packet body", nil); err != nil {
			return err
		}
		if err := req.checkArrow(); err != nil {
			return err
		}
	}
	for _, k := range mandatory[req.header.Type] {
		if k == iproto.KeySpaceID && req.body.Has(iproto.KeySpaceName) {
			continue
		}
		if err := req.need(k); err != nil {
			return err
		}
	}
	return nil
}
