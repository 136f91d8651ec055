package iproto

import (
	"strconv"

	"github.com/gotnt/tnt/internal/mp"
)

// Key is a key of a header or of a body.
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

type keyInfo struct {
	name string
	typ  mp.Type // TypeInvalid: any value
}

var keyInfos = [keyMax]keyInfo{
	KeyRequestType:      {"REQUEST_TYPE", mp.TypeUint},
	KeySync:             {"SYNC", mp.TypeUint},
	KeyReplicaID:        {"REPLICA_ID", mp.TypeUint},
	KeyLSN:              {"LSN", mp.TypeUint},
	KeyTimestamp:        {"TIMESTAMP", mp.TypeFloat64},
	KeySchemaVersion:    {"SCHEMA_VERSION", mp.TypeUint},
	KeyServerVersion:    {"SERVER_VERSION", mp.TypeUint},
	KeyGroupID:          {"GROUP_ID", mp.TypeUint},
	KeyTSN:              {"TSN", mp.TypeUint},
	KeyFlags:            {"FLAGS", mp.TypeUint},
	KeyStreamID:         {"STREAM_ID", mp.TypeUint},
	KeyThreadID:         {"THREAD_ID", mp.TypeUint},
	KeySpaceID:          {"SPACE_ID", mp.TypeUint},
	KeyIndexID:          {"INDEX_ID", mp.TypeUint},
	KeyLimit:            {"LIMIT", mp.TypeUint},
	KeyOffset:           {"OFFSET", mp.TypeUint},
	KeyIterator:         {"ITERATOR", mp.TypeUint},
	KeyIndexBase:        {"INDEX_BASE", mp.TypeUint},
	KeyFetchPosition:    {"FETCH_POSITION", mp.TypeBool},
	KeyKey:              {"KEY", mp.TypeArray},
	KeyTuple:            {"TUPLE", mp.TypeArray},
	KeyFunctionName:     {"FUNCTION_NAME", mp.TypeString},
	KeyUserName:         {"USER_NAME", mp.TypeString},
	KeyInstanceUUID:     {"INSTANCE_UUID", mp.TypeString},
	KeyReplicasetUUID:   {"REPLICASET_UUID", mp.TypeString},
	KeyVClock:           {"VCLOCK", mp.TypeMap},
	KeyExpr:             {"EXPR", mp.TypeString},
	KeyOps:              {"OPS", mp.TypeArray},
	KeyBallot:           {"BALLOT", mp.TypeMap},
	KeyTupleMeta:        {"TUPLE_META", mp.TypeMap},
	KeyOptions:          {"OPTIONS", mp.TypeMap},
	KeyOldTuple:         {"OLD_TUPLE", mp.TypeArray},
	KeyNewTuple:         {"NEW_TUPLE", mp.TypeArray},
	KeyAfterPosition:    {"AFTER_POSITION", mp.TypeString},
	KeyAfterTuple:       {"AFTER_TUPLE", mp.TypeArray},
	KeyData:             {"DATA", mp.TypeArray},
	KeyError24:          {"ERROR_24", mp.TypeString},
	KeyMetadata:         {"METADATA", mp.TypeArray},
	KeyBindMetadata:     {"BIND_METADATA", mp.TypeArray},
	KeyBindCount:        {"BIND_COUNT", mp.TypeUint},
	KeyPosition:         {"POSITION", mp.TypeString},
	KeyArrow:            {"ARROW", mp.TypeExt},
	KeyBeginKey:         {"BEGIN_KEY", mp.TypeArray},
	KeyEndKey:           {"END_KEY", mp.TypeArray},
	KeySQLText:          {"SQL_TEXT", mp.TypeString},
	KeySQLBind:          {"SQL_BIND", mp.TypeArray},
	KeySQLInfo:          {"SQL_INFO", mp.TypeMap},
	KeyStmtID:           {"STMT_ID", mp.TypeUint},
	KeyReplicaAnon:      {"REPLICA_ANON", mp.TypeBool},
	KeyIDFilter:         {"ID_FILTER", mp.TypeArray},
	KeyError:            {"ERROR", mp.TypeMap},
	KeyTerm:             {"TERM", mp.TypeUint},
	KeyVersion:          {"VERSION", mp.TypeUint},
	KeyFeatures:         {"FEATURES", mp.TypeArray},
	KeyTimeout:          {"TIMEOUT", mp.TypeFloat64},
	KeyEventKey:         {"EVENT_KEY", mp.TypeString},
	KeyEventData:        {"EVENT_DATA", mp.TypeInvalid},
	KeyTxnIsolation:     {"TXN_ISOLATION", mp.TypeUint},
	KeyVClockSync:       {"VCLOCK_SYNC", mp.TypeUint},
	KeyAuthType:         {"AUTH_TYPE", mp.TypeString},
	KeyReplicasetName:   {"REPLICASET_NAME", mp.TypeString},
	KeyInstanceName:     {"INSTANCE_NAME", mp.TypeString},
	KeySpaceName:        {"SPACE_NAME", mp.TypeString},
	KeyIndexName:        {"INDEX_NAME", mp.TypeString},
	KeyTupleFormats:     {"TUPLE_FORMATS", mp.TypeMap},
	KeyIsSync:           {"IS_SYNC", mp.TypeBool},
	KeyIsCheckpointJoin: {"IS_CHECKPOINT_JOIN", mp.TypeBool},
	KeyCheckpointVClock: {"CHECKPOINT_VCLOCK", mp.TypeMap},
	KeyCheckpointLSN:    {"CHECKPOINT_LSN", mp.TypeUint},
}

// Type returns the kind of value that the key has, mp.TypeInvalid where that
// is any or the key is not known.
func (k Key) Type() mp.Type {
	if k < keyMax {
		return keyInfos[k].typ
	}
	return mp.TypeInvalid
}

// String returns the name of the key in Tarantool's documentation, without
// its prefix IPROTO_.
func (k Key) String() string {
	if k < keyMax && keyInfos[k].name != "" {
		return keyInfos[k].name
	}
	return "key 0x" + strconv.FormatUint(uint64(k), 16)
}
