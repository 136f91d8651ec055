package replication

import (
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// AppendRow appends a row as a server sends it: its header without what is
// zero, and its body. A TSN is left out for the only row of a transaction.
func AppendRow(b []byte, row *Row) []byte {
	alone := !row.HasTSN || row.TSN == row.LSN && row.Flags&FlagCommit != 0
	flags := row.Flags
	if alone {
		flags &^= FlagCommit
	}
	header := mp.AppendUint(append(mp.AppendMapLen(nil, 0), byte(iproto.KeyRequestType)), uint64(row.Type))
	pairs := 1
	add := func(k iproto.Key, v uint64) {
		header = mp.AppendUint(append(header, byte(k)), v)
		pairs++
	}
	for _, f := range []struct {
		key   iproto.Key
		value uint64
	}{
		{iproto.KeySync, row.Sync},
		{iproto.KeyReplicaID, uint64(row.ReplicaID)},
		{iproto.KeyGroupID, uint64(row.GroupID)},
		{iproto.KeyLSN, row.LSN},
	} {
		if f.value != 0 {
			add(f.key, f.value)
		}
	}
	if row.Timestamp != 0 {
		header = mp.AppendFloat64(append(header, byte(iproto.KeyTimestamp)), row.Timestamp)
		pairs++
	}
	if !alone {
		add(iproto.KeyTSN, row.LSN-row.TSN)
	}
	if flags != 0 {
		add(iproto.KeyFlags, uint64(flags))
	}
	header[0] |= byte(pairs) // at most 8
	return append(append(b, header...), row.Body...)
}
