package rowtest

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
)

var (
	raftKeys   = []string{"term", "vote", "state", "vclock", "leader_id", "is_leader_seen"}
	ballotKeys = []string{
		"", "is_ro_cfg", "vclock", "gc_vclock", "is_ro", "is_anon", "is_booted", "can_lead",
		"bootstrap_leader_uuid", "registered_replica_uuids", "instance_name",
	}
)

// Row returns a row in the form that Parse gives a recorded one.
func Row(row replication.Row) (any, error) {
	o := object{"type": "'" + row.Type.String()}
	number := func(name string, v uint64) {
		if v != 0 {
			o[name] = strconv.FormatUint(v, 10) + "i"
		}
	}
	number("sync", row.Sync)
	number("replica_id", uint64(row.ReplicaID))
	number("group_id", uint64(row.GroupID))
	number("lsn", row.LSN)
	number("flags", uint64(row.Flags))
	if row.HasTSN {
		number("tsn", row.TSN)
	}
	if row.Timestamp != 0 {
		o["timestamp"] = float{64, row.Timestamp}
	}
	if row.Body == nil {
		return o, nil
	}
	r := mp.NewReader(row.Body)
	for n := r.MapLen(); n > 0; n-- {
		if r.Type() != mp.TypeUint {
			return nil, fmt.Errorf("a key of type %v", r.Type())
		}
		name := keyName(row.Type, r.Uint())
		switch name {
		case "vclock":
			o[name] = "'" + replication.ReadVClock(&r).String()
		case "ballot":
			o[name] = ballot(&r)
		default:
			o[name] = Value(&r)
		}
	}
	return o, r.Err()
}

func keyName(typ iproto.Type, key uint64) string {
	name := strings.ToLower(iproto.Key(key).String())
	switch {
	case typ == iproto.TypeRaft && key < uint64(len(raftKeys)):
		return raftKeys[key]
	case strings.HasPrefix(name, "key 0x"), typ >= iproto.TypeVinylRunInfo && typ <= iproto.TypeVinylRowIndex && vinylOwn(key):
		return "body_" + strconv.FormatUint(key, 10)
	case typ >= iproto.TypeRaftPromote && typ <= iproto.TypeRaftRollback && key <= uint64(iproto.KeyLSN):
		return "body_" + name
	}
	return name
}

// vinylOwn reports keys of vinyl's files that the recording names by number:
// those whose namesakes stand in no header of 2.6.
func vinylOwn(key uint64) bool { return key != 2 && key != 3 && key != 6 }

func ballot(r *mp.Reader) any {
	o := object{}
	for n := r.MapLen(); n > 0; n-- {
		key := r.Uint()
		name := strconv.FormatUint(key, 10)
		if key < uint64(len(ballotKeys)) {
			name = ballotKeys[key]
		}
		if strings.HasSuffix(name, "vclock") {
			o[name] = "'" + replication.ReadVClock(r).String()
		} else {
			o[name] = Value(r)
		}
	}
	return o
}

// Diff says in what two values of this package differ, "" where they don't. The
// schema's version, which answers have and rows have not, is left out.
func Diff(got, want any) string {
	if reflect.DeepEqual(got, want) {
		return ""
	}
	a, ok1 := got.(object)
	b, ok2 := want.(object)
	if !ok1 || !ok2 {
		return fmt.Sprintf("%v, wanted %v", got, want)
	}
	var lines []string
	for name := range a {
		if !reflect.DeepEqual(a[name], b[name]) {
			lines = append(lines, fmt.Sprintf("%s: %v, wanted %v", name, a[name], b[name]))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok && name != "schema_version" {
			lines = append(lines, fmt.Sprintf("%s: missing, wanted %v", name, b[name]))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "; ")
}
