// Package iproto is the IPROTO protocol as data: its numbers, greeting,
// frames, headers and bodies, encoded and decoded for both sides, so that the
// client and the embedded server share one codec.
//
// The numbers are those of Tarantool 3.8.0, src/box/iproto_constants.h and
// src/box/iproto_features.h; the layout is described in
// https://www.tarantool.io/en/doc/latest/reference/internals/iproto/.
package iproto

import "strconv"

// Type is the type of a request, or the status of a response (IPROTO_REQUEST_TYPE).
type Type uint32

// The types of requests, and of what the server sends.
const (
	TypeOK            Type = 0
	TypeSelect        Type = 1
	TypeInsert        Type = 2
	TypeReplace       Type = 3
	TypeUpdate        Type = 4
	TypeDelete        Type = 5
	TypeCall16        Type = 6
	TypeAuth          Type = 7
	TypeEval          Type = 8
	TypeUpsert        Type = 9
	TypeCall          Type = 10
	TypeExecute       Type = 11
	TypeNop           Type = 12
	TypePrepare       Type = 13
	TypeBegin         Type = 14
	TypeCommit        Type = 15
	TypeRollback      Type = 16
	TypeInsertArrow   Type = 17
	TypeDeleteRange   Type = 18
	TypePing          Type = 64
	TypeJoin          Type = 65
	TypeSubscribe     Type = 66
	TypeVoteOld       Type = 67
	TypeVote          Type = 68
	TypeFetchSnapshot Type = 69
	TypeRegister      Type = 70
	TypeJoinMeta      Type = 71
	TypeJoinSnapshot  Type = 72
	TypeID            Type = 73
	TypeWatch         Type = 74
	TypeUnwatch       Type = 75
	TypeEvent         Type = 76
	TypeWatchOnce     Type = 77
	// TypeChunk is the status of a message out of band: box.session.push.
	TypeChunk Type = 128
	// TypeError is the flag in the status of an error; the rest is its code.
	TypeError Type = 1 << 15
)

var typeNames = map[Type]string{
	TypeOK: "OK", TypeSelect: "SELECT", TypeInsert: "INSERT", TypeReplace: "REPLACE",
	TypeUpdate: "UPDATE", TypeDelete: "DELETE", TypeCall16: "CALL_16", TypeAuth: "AUTH",
	TypeEval: "EVAL", TypeUpsert: "UPSERT", TypeCall: "CALL", TypeExecute: "EXECUTE",
	TypeNop: "NOP", TypePrepare: "PREPARE", TypeBegin: "BEGIN", TypeCommit: "COMMIT",
	TypeRollback: "ROLLBACK", TypeInsertArrow: "INSERT_ARROW", TypeDeleteRange: "DELETE_RANGE",
	TypePing: "PING", TypeJoin: "JOIN", TypeSubscribe: "SUBSCRIBE", TypeVoteOld: "VOTE_DEPRECATED",
	TypeVote: "VOTE", TypeFetchSnapshot: "FETCH_SNAPSHOT", TypeRegister: "REGISTER",
	TypeJoinMeta: "JOIN_META", TypeJoinSnapshot: "JOIN_SNAPSHOT", TypeID: "ID",
	TypeWatch: "WATCH", TypeUnwatch: "UNWATCH", TypeEvent: "EVENT", TypeWatchOnce: "WATCH_ONCE",
	TypeChunk: "CHUNK",
}

// String returns the name of the type in Tarantool's documentation, without
// its prefix IPROTO_.
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	if t&TypeError != 0 {
		return "ERROR " + strconv.Itoa(int(t&^TypeError))
	}
	return "request type " + strconv.Itoa(int(t))
}

// Iterator is the way a SELECT walks an index (IPROTO_ITERATOR).
type Iterator uint8

// The iterators, as in Tarantool's src/box/iterator_type.h.
const (
	IterEq Iterator = iota
	IterReq
	IterAll
	IterLT
	IterLE
	IterGE
	IterGT
	IterBitsAllSet
	IterBitsAnySet
	IterBitsAllNotSet
	IterOverlaps
	IterNeighbor
	IterNP
	IterPP
	iterMax
)

var iterNames = [iterMax]string{
	"EQ", "REQ", "ALL", "LT", "LE", "GE", "GT", "BITS_ALL_SET", "BITS_ANY_SET",
	"BITS_ALL_NOT_SET", "OVERLAPS", "NEIGHBOR", "NP", "PP",
}

// String returns the name that Lua's box.index has for the iterator.
func (i Iterator) String() string {
	if i < iterMax {
		return iterNames[i]
	}
	return "iterator " + strconv.Itoa(int(i))
}

// Feature is a protocol feature that client and server tell each other by ID.
type Feature uint8

// The protocol's features.
const (
	FeatureStreams Feature = iota
	FeatureTransactions
	FeatureErrorExtension
	FeatureWatchers
	FeaturePagination
	FeatureSpaceAndIndexNames
	FeatureWatchOnce
	FeatureDMLTupleExtension
	FeatureCallRetTupleExtension
	FeatureCallArgTupleExtension
	FeatureFetchSnapshotCursor
	FeatureIsSync
	FeatureInsertArrow
	featureMax
)

// ProtocolVersion is the version of the protocol implemented here.
const ProtocolVersion = 10

var featureNames = [featureMax]string{
	"streams", "transactions", "error_extension", "watchers", "pagination",
	"space_and_index_names", "watch_once", "dml_tuple_extension", "call_ret_tuple_extension",
	"call_arg_tuple_extension", "fetch_snapshot_cursor", "is_sync", "insert_arrow",
}

// String returns the name of the feature in Lua's box.iproto.feature.
func (f Feature) String() string {
	if f < featureMax {
		return featureNames[f]
	}
	return "feature " + strconv.Itoa(int(f))
}
