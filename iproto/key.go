package iproto

import "strconv"

// Key is a key of the map that a header or a body is, as in IPROTO_SPACE_ID.
type Key uint8

// Keys of headers.
const (
	KeyRequestType   Key = 0x00
	KeySync          Key = 0x01
	KeyReplicaID     Key = 0x02
	KeyLSN           Key = 0x03
	KeyTimestamp     Key = 0x04
	KeySchemaVersion Key = 0x05
	KeyServerVersion Key = 0x06
	KeyGroupID       Key = 0x07
	KeyTSN           Key = 0x08
	KeyFlags         Key = 0x09
	KeyStreamID      Key = 0x0a
	KeyThreadID      Key = 0x0b
)

// Keys of bodies.
const (
	KeySpaceID          Key = 0x10
	KeyIndexID          Key = 0x11
	KeyLimit            Key = 0x12
	KeyOffset           Key = 0x13
	KeyIterator         Key = 0x14
	KeyIndexBase        Key = 0x15
	KeyFetchPosition    Key = 0x1f
	KeyKey              Key = 0x20
	KeyTuple            Key = 0x21
	KeyFunctionName     Key = 0x22
	KeyUserName         Key = 0x23
	KeyInstanceUUID     Key = 0x24
	KeyReplicasetUUID   Key = 0x25
	KeyVClock           Key = 0x26
	KeyExpr             Key = 0x27
	KeyOps              Key = 0x28
	KeyBallot           Key = 0x29
	KeyTupleMeta        Key = 0x2a
	KeyOptions          Key = 0x2b
	KeyOldTuple         Key = 0x2c
	KeyNewTuple         Key = 0x2d
	KeyAfterPosition    Key = 0x2e
	KeyAfterTuple       Key = 0x2f
	KeyData             Key = 0x30
	KeyError24          Key = 0x31
	KeyMetadata         Key = 0x32
	KeyBindMetadata     Key = 0x33
	KeyBindCount        Key = 0x34
	KeyPosition         Key = 0x35
	KeyArrow            Key = 0x36
	KeyBeginKey         Key = 0x37
	KeyEndKey           Key = 0x38
	KeySQLText          Key = 0x40
	KeySQLBind          Key = 0x41
	KeySQLInfo          Key = 0x42
	KeyStmtID           Key = 0x43
	KeyReplicaAnon      Key = 0x50
	KeyIDFilter         Key = 0x51
	KeyError            Key = 0x52
	KeyTerm             Key = 0x53
	KeyVersion          Key = 0x54
	KeyFeatures         Key = 0x55
	KeyTimeout          Key = 0x56
	KeyEventKey         Key = 0x57
	KeyEventData        Key = 0x58
	KeyTxnIsolation     Key = 0x59
	KeyVClockSync       Key = 0x5a
	KeyAuthType         Key = 0x5b
	KeyReplicasetName   Key = 0x5c
	KeyInstanceName     Key = 0x5d
	KeySpaceName        Key = 0x5e
	KeyIndexName        Key = 0x5f
	KeyTupleFormats     Key = 0x60
	KeyIsSync           Key = 0x61
	KeyIsCheckpointJoin Key = 0x62
	KeyCheckpointVClock Key = 0x63
	KeyCheckpointLSN    Key = 0x64
	keyMax              Key = 0x65
)

// Keys of the maps in IPROTO_METADATA.
const (
	FieldName            = 0
	FieldType            = 1
	FieldColl            = 2
	FieldIsNullable      = 3
	FieldIsAutoincrement = 4
	FieldSpan            = 5
)

// Keys of the map IPROTO_SQL_INFO.
const (
	SQLInfoRowCount         = 0
	SQLInfoAutoincrementIDs = 1
)

var keyNames = [keyMax]string{
	KeyRequestType:      "REQUEST_TYPE",
	KeySync:             "SYNC",
	KeyReplicaID:        "REPLICA_ID",
	KeyLSN:              "LSN",
	KeyTimestamp:        "TIMESTAMP",
	KeySchemaVersion:    "SCHEMA_VERSION",
	KeyServerVersion:    "SERVER_VERSION",
	KeyGroupID:          "GROUP_ID",
	KeyTSN:              "TSN",
	KeyFlags:            "FLAGS",
	KeyStreamID:         "STREAM_ID",
	KeyThreadID:         "THREAD_ID",
	KeySpaceID:          "SPACE_ID",
	KeyIndexID:          "INDEX_ID",
	KeyLimit:            "LIMIT",
	KeyOffset:           "OFFSET",
	KeyIterator:         "ITERATOR",
	KeyIndexBase:        "INDEX_BASE",
	KeyFetchPosition:    "FETCH_POSITION",
	KeyKey:              "KEY",
	KeyTuple:            "TUPLE",
	KeyFunctionName:     "FUNCTION_NAME",
	KeyUserName:         "USER_NAME",
	KeyInstanceUUID:     "INSTANCE_UUID",
	KeyReplicasetUUID:   "REPLICASET_UUID",
	KeyVClock:           "VCLOCK",
	KeyExpr:             "EXPR",
	KeyOps:              "OPS",
	KeyBallot:           "BALLOT",
	KeyTupleMeta:        "TUPLE_META",
	KeyOptions:          "OPTIONS",
	KeyOldTuple:         "OLD_TUPLE",
	KeyNewTuple:         "NEW_TUPLE",
	KeyAfterPosition:    "AFTER_POSITION",
	KeyAfterTuple:       "AFTER_TUPLE",
	KeyData:             "DATA",
	KeyError24:          "ERROR_24",
	KeyMetadata:         "METADATA",
	KeyBindMetadata:     "BIND_METADATA",
	KeyBindCount:        "BIND_COUNT",
	KeyPosition:         "POSITION",
	KeyArrow:            "ARROW",
	KeyBeginKey:         "BEGIN_KEY",
	KeyEndKey:           "END_KEY",
	KeySQLText:          "SQL_TEXT",
	KeySQLBind:          "SQL_BIND",
	KeySQLInfo:          "SQL_INFO",
	KeyStmtID:           "STMT_ID",
	KeyReplicaAnon:      "REPLICA_ANON",
	KeyIDFilter:         "ID_FILTER",
	KeyError:            "ERROR",
	KeyTerm:             "TERM",
	KeyVersion:          "VERSION",
	KeyFeatures:         "FEATURES",
	KeyTimeout:          "TIMEOUT",
	KeyEventKey:         "EVENT_KEY",
	KeyEventData:        "EVENT_DATA",
	KeyTxnIsolation:     "TXN_ISOLATION",
	KeyVClockSync:       "VCLOCK_SYNC",
	KeyAuthType:         "AUTH_TYPE",
	KeyReplicasetName:   "REPLICASET_NAME",
	KeyInstanceName:     "INSTANCE_NAME",
	KeySpaceName:        "SPACE_NAME",
	KeyIndexName:        "INDEX_NAME",
	KeyTupleFormats:     "TUPLE_FORMATS",
	KeyIsSync:           "IS_SYNC",
	KeyIsCheckpointJoin: "IS_CHECKPOINT_JOIN",
	KeyCheckpointVClock: "CHECKPOINT_VCLOCK",
	KeyCheckpointLSN:    "CHECKPOINT_LSN",
}

// String returns the name of the key in Tarantool's documentation, without
// its prefix IPROTO_.
func (k Key) String() string {
	if k < keyMax && keyNames[k] != "" {
		return keyNames[k]
	}
	return "key 0x" + strconv.FormatUint(uint64(k), 16)
}
