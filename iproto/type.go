package iproto

import "strconv"

// Type is the type of a request, or the status of a response (IPROTO_REQUEST_TYPE).
type Type uint32

// The types of requests, and of what the server sends.
const (
	TypeOK          Type = 0
	TypeSelect      Type = 1
	TypeInsert      Type = 2
	TypeReplace     Type = 3
	TypeUpdate      Type = 4
	TypeDelete      Type = 5
	TypeCall16      Type = 6
	TypeAuth        Type = 7
	TypeEval        Type = 8
	TypeUpsert      Type = 9
	TypeCall        Type = 10
	TypeExecute     Type = 11
	TypeNop         Type = 12
	TypePrepare     Type = 13
	TypeBegin       Type = 14
	TypeCommit      Type = 15
	TypeRollback    Type = 16
	TypeInsertArrow Type = 17
	TypeDeleteRange Type = 18
	// Rows of replication and of logs: the state of elections, and what becomes
	// of synchronous transactions.
	TypeRaft         Type = 30
	TypeRaftPromote  Type = 31
	TypeRaftDemote   Type = 32
	TypeRaftConfirm  Type = 40
	TypeRaftRollback Type = 41

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
	// Rows of vinyl's files.
	TypeVinylRunInfo  Type = 100
	TypeVinylPageInfo Type = 101
	TypeVinylRowIndex Type = 102
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
	TypeRaft:  "RAFT", TypeRaftPromote: "RAFT_PROMOTE", TypeRaftDemote: "RAFT_DEMOTE",
	TypeRaftConfirm: "RAFT_CONFIRM", TypeRaftRollback: "RAFT_ROLLBACK",
	TypeVinylRunInfo: "VY_INDEX_RUN_INFO", TypeVinylPageInfo: "VY_INDEX_PAGE_INFO", TypeVinylRowIndex: "VY_RUN_ROW_INDEX",
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
