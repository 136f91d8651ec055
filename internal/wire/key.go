package wire

import (
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// keyMax is one more than the largest key that is known here.
const keyMax = iproto.KeyCheckpointLSN + 1

// keyTypes are the kinds of values that the keys have, by Tarantool's
// src/box/iproto_constants.c. mp.TypeInvalid: any value, or an unknown key.
var keyTypes = [keyMax]mp.Type{
	iproto.KeyRequestType:      mp.TypeUint,
	iproto.KeySync:             mp.TypeUint,
	iproto.KeyReplicaID:        mp.TypeUint,
	iproto.KeyLSN:              mp.TypeUint,
	iproto.KeyTimestamp:        mp.TypeFloat64,
	iproto.KeySchemaVersion:    mp.TypeUint,
	iproto.KeyServerVersion:    mp.TypeUint,
	iproto.KeyGroupID:          mp.TypeUint,
	iproto.KeyTSN:              mp.TypeUint,
	iproto.KeyFlags:            mp.TypeUint,
	iproto.KeyStreamID:         mp.TypeUint,
	iproto.KeyThreadID:         mp.TypeUint,
	iproto.KeySpaceID:          mp.TypeUint,
	iproto.KeyIndexID:          mp.TypeUint,
	iproto.KeyLimit:            mp.TypeUint,
	iproto.KeyOffset:           mp.TypeUint,
	iproto.KeyIterator:         mp.TypeUint,
	iproto.KeyIndexBase:        mp.TypeUint,
	iproto.KeyFetchPosition:    mp.TypeBool,
	iproto.KeyKey:              mp.TypeArray,
	iproto.KeyTuple:            mp.TypeArray,
	iproto.KeyFunctionName:     mp.TypeString,
	iproto.KeyUserName:         mp.TypeString,
	iproto.KeyInstanceUUID:     mp.TypeString,
	iproto.KeyReplicasetUUID:   mp.TypeString,
	iproto.KeyVClock:           mp.TypeMap,
	iproto.KeyExpr:             mp.TypeString,
	iproto.KeyOps:              mp.TypeArray,
	iproto.KeyBallot:           mp.TypeMap,
	iproto.KeyTupleMeta:        mp.TypeMap,
	iproto.KeyOptions:          mp.TypeMap,
	iproto.KeyOldTuple:         mp.TypeArray,
	iproto.KeyNewTuple:         mp.TypeArray,
	iproto.KeyAfterPosition:    mp.TypeString,
	iproto.KeyAfterTuple:       mp.TypeArray,
	iproto.KeyData:             mp.TypeArray,
	iproto.KeyError24:          mp.TypeString,
	iproto.KeyMetadata:         mp.TypeArray,
	iproto.KeyBindMetadata:     mp.TypeArray,
	iproto.KeyBindCount:        mp.TypeUint,
	iproto.KeyPosition:         mp.TypeString,
	iproto.KeyArrow:            mp.TypeExt,
	iproto.KeyBeginKey:         mp.TypeArray,
	iproto.KeyEndKey:           mp.TypeArray,
	iproto.KeySQLText:          mp.TypeString,
	iproto.KeySQLBind:          mp.TypeArray,
	iproto.KeySQLInfo:          mp.TypeMap,
	iproto.KeyStmtID:           mp.TypeUint,
	iproto.KeyReplicaAnon:      mp.TypeBool,
	iproto.KeyIDFilter:         mp.TypeArray,
	iproto.KeyError:            mp.TypeMap,
	iproto.KeyTerm:             mp.TypeUint,
	iproto.KeyVersion:          mp.TypeUint,
	iproto.KeyFeatures:         mp.TypeArray,
	iproto.KeyTimeout:          mp.TypeFloat64,
	iproto.KeyEventKey:         mp.TypeString,
	iproto.KeyTxnIsolation:     mp.TypeUint,
	iproto.KeyVClockSync:       mp.TypeUint,
	iproto.KeyAuthType:         mp.TypeString,
	iproto.KeyReplicasetName:   mp.TypeString,
	iproto.KeyInstanceName:     mp.TypeString,
	iproto.KeySpaceName:        mp.TypeString,
	iproto.KeyIndexName:        mp.TypeString,
	iproto.KeyTupleFormats:     mp.TypeMap,
	iproto.KeyIsSync:           mp.TypeBool,
	iproto.KeyIsCheckpointJoin: mp.TypeBool,
	iproto.KeyCheckpointVClock: mp.TypeMap,
	iproto.KeyCheckpointLSN:    mp.TypeUint,
}

// TypeOf returns the kind of value that a key has, mp.TypeInvalid where that is
// any or the key is not known.
func TypeOf(k iproto.Key) mp.Type {
	if k < keyMax {
		return keyTypes[k]
	}
	return mp.TypeInvalid
}
