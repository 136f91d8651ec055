package vshard_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/vshard"
)

// undecoded are the lines that no function of this package decodes, by the start of
// their function.
var undecoded = map[string]recordedtest.Excuse{
	"an EVAL":                      {Lines: 21, Why: "the recording's own, and hashes of values that only Lua has: 64-bit integers as objects, and a NaN of its own"},
	"a NaN":                        {Lines: 1, Why: "packed, Lua's has bits of its own that depend on how it came about"},
	"crud.":                        {Lines: 5, Why: "package crud decodes them, see its test"},
	"vshard.router.call":           {Lines: 44, Why: "the router in Lua, whose place a Router takes: it asks storages"},
	"vshard.router.map_callrw":     {Lines: 9, Why: "likewise"},
	"vshard.router.info":           {Lines: 4, Why: "likewise"},
	"vshard.storage.bucket_pin":    {Lines: 2, Why: "for administrators"},
	"vshard.storage.bucket_unpin":  {Lines: 2, Why: "for administrators"},
	"vshard.storage.bucket_send":   {Lines: 3, Why: "for administrators"},
	"vshard.storage.buckets_count": {Lines: 3, Why: "for administrators; Info counts what discovery found"},
	"vshard.storage.buckets_info":  {Lines: 2, Why: "likewise"},
	"vshard.storage.sync":          {Lines: 4, Why: "for administrators"},
	"vshard.storage._call: nope":   {Lines: 2, Why: "a mistake: there is no such service"},
	"vshard.storage._call: storage_ref_check_with_buckets": {Lines: 2, Why: "Map holds the buckets of one attempt by one request, and checks nothing later"},
}

// decoded is how many lines each function decodes.
var decoded = map[string]int{
	"Router.Do": 139, "Router.Do, finding a bucket": 41, "Router.Do, finding a master": 14, "Map": 40, "Open, discovery": 10,
	"StrCRC32": 93, "MPCRC32": 90, "StrCRC32 and MPCRC32": 5,
}

// Every recorded answer is decoded by the public function that asks for it, with
// what follows from it, or gives the error that came.
func TestRecorded(t *testing.T) {
	var c recordedtest.Coverage
	all := 0
	for file, lines := range map[string]int{"vshard-3.8": 246, "vshard-2.6": 210, "vshard-names-3.8": 22, "vshard-hash-3.8": 58} {
		recorded := recordedtest.Load(t, "testdata/"+file+".jsonl", lines)
		synctest.Test(t, func(t *testing.T) {
			s := newStorages(t, file == "vshard-names-3.8")
			for _, l := range recorded {
				replay(t, &c, s, l)
			}
		})
		all += lines
	}
	c.Check(t, all, decoded, undecoded)
}

func replay(t *testing.T, c *recordedtest.Coverage, s *storages, l recordedtest.Line) {
	t.Helper()
	by, wrong := replayHash(t, l)
	if by == "" {
		by, wrong = s.replay(t, l)
	}
	_, excused := undecoded[by]
	switch {
	case wrong != "":
		t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
	case by == "":
		t.Errorf("line %d, %s: nothing decodes %s%s", l.N, l.Case, l.Function, l.Expr)
	case excused:
		c.Excused(by)
	default:
		c.Decoded(by)
	}
}

// replay replays a line and returns which function decoded it, or its excuse.
func (s *storages) replay(t *testing.T, l recordedtest.Line) (by, wrong string) {
	t.Helper()
	args := l.Arguments(t)
	switch l.Function {
	case "":
		return "an EVAL", ""
	case "vshard.storage.call":
		return "Router.Do", s.replayCall(t, l, args)
	case "vshard.storage.bucket_stat":
		return "Router.Do, finding a bucket", s.replayStat(t, l)
	case "vshard.storage.buckets_discovery":
		return "Open, discovery", s.replayDiscovery(t, l)
	case "vshard.storage._call":
		service, _ := args[0].(string)
		switch {
		case service == "info":
			return "Router.Do, finding a master", s.replayInfo(t, l)
		case undecoded[l.Function+": "+service].Why != "":
			return l.Function + ": " + service, ""
		}
		return "Map", s.replayMap(t, l, args)
	}
	for function := range undecoded {
		if strings.HasPrefix(l.Function, function) && len(function) > len(by) {
			by = function
		}
	}
	return by, ""
}

// hashes are the hash functions by those of the router in Lua.
var hashes = map[string]struct {
	name string
	fn   func(uint32, ...any) (uint32, error)
}{
	"vshard.router.bucket_id_strcrc32": {"StrCRC32", vshard.StrCRC32}, "vshard.router.bucket_id_mpcrc32": {"MPCRC32", vshard.MPCRC32},
}

func replayHash(t *testing.T, l recordedtest.Line) (by, wrong string) {
	t.Helper()
	h := hashes[l.Function]
	want, raised := l.Values()
	key, isLua := luaKeys[l.Case]
	switch {
	case isLua && raised == nil:
		str, err1 := vshard.StrCRC32(100, key)
		packed, err2 := vshard.MPCRC32(100, key)
		if err := errors.Join(err1, err2); err != nil || int64(str) != want[0] || int64(packed) != want[1] {
			wrong = fmt.Sprintf("the hashes of %v are %d and %d, %v, want %v", key, str, packed, err, want)
		}
		return "StrCRC32 and MPCRC32", wrong
	case h.fn == nil:
		return "", ""
	case raised != nil:
		return h.name, raised.Message
	}
	key = l.Arguments(t)[0]
	if f, ok := key.(float64); ok && math.IsNaN(f) && h.name == "MPCRC32" {
		return "a NaN", ""
	}
	if got, err := h.fn(100, key); err != nil || int64(got) != want[0] {
		wrong = fmt.Sprintf("of %v (%T) it is %d, %v, want %v", key, key, got, err, want[0])
	}
	return h.name, wrong
}

// outcome is what became of a call.
type outcome struct {
	results []any
	err     error
	again   []vshard.Again
	rests   map[string]error // by the instances that the router leaves alone
}

// where is who answered in the end, as it says itself.
func (got outcome) where() string {
	if len(got.results) == 1 {
		name, _ := got.results[0].(string)
		return name
	}
	return ""
}

// do does a call with a new router.
func (s *storages) do(t *testing.T, call vshard.Call) (got outcome) {
	t.Helper()
	config := s.config
	config.Hooks.Again = func(_ context.Context, a vshard.Again) { got.again = append(got.again, a) }
	r, err := vshard.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	synctest.Wait() // until replicas are connected too
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	got.results, got.err = r.Do(ctx, call)
	got.rests = make(map[string]error)
	for _, set := range r.Info().ReplicaSets {
		for _, in := range set.Instances {
			if in.RestsFor != nil {
				got.rests[in.Name] = in.RestsFor
			}
		}
	}
	return got
}

// replayCall gives the line to a call of a bucket that the router thinks is where
// the line is from; whoever is asked then says who it is.
func (s *storages) replayCall(t *testing.T, l recordedtest.Line, args []any) string {
	t.Helper()
	at := s.at(l)
	call := vshard.Call{Bucket: bucketOf(args), Mode: vshard.RO, Function: "f"}
	if len(args) > 1 && args[1] == "write" {
		call.Mode = vshard.RW
		at.becomeMaster()
	} else if at.replica {
		call.Mode = vshard.RE
	}
	s.pretend(call.Bucket, at.set)
	answered := at.answer("vshard.storage.call", l, at.call)
	got := s.do(t, call)
	if answered() != 1 {
		return fmt.Sprintf("the answer was asked for %d times: %v", answered(), got.err)
	}
	values, raised := l.Values()
	switch {
	case raised != nil:
		return got.holdRaised(at, raised)
	case values[0] == true:
		if got.err != nil || !reflect.DeepEqual(got.results, values[1:]) || len(got.again) > 0 {
			return fmt.Sprintf("got %+v, want %v", got, values)
		}
	case values[0] == false:
		var e *vshard.FunctionError
		if m := values[1].(map[string]any); !errors.As(got.err, &e) || e.Err.Message != m["message"] || tnt.SafeToRetry(got.err) || len(got.again) > 0 {
			return fmt.Sprintf("got %+v, want %v", got, m)
		}
	default:
		return s.holdSharding(got, at, values[1].(map[string]any))
	}
	return ""
}

// holdRaised holds a call against an error that a storage raised: one that can't
// serve is left alone, and another one asked.
func (got outcome) holdRaised(at *storage, raised *types.Error) string {
	var e *tnt.Error
	unready := raised.Code == errcode.AccessDenied || strings.Contains(raised.Message, "STORAGE_IS_DISABLED")
	switch {
	case !unready:
		if !errors.As(got.err, &e) || e.Message != raised.Message || len(got.again) > 0 || got.rests[at.name] != nil {
			return fmt.Sprintf("got %+v, want %v", got, raised)
		}
	case got.err != nil || len(got.again) != 1 || !errors.As(got.again[0].Err, &e) || e.Message != raised.Message ||
		got.again[0].Pause != 0 || got.rests[at.name] == nil || got.where() == at.name:
		return fmt.Sprintf("got %+v, want %v and then another instance", got, raised)
	}
	return ""
}

// holdSharding holds a call against an error of vshard's: what it says, and what the
// router did about it.
func (s *storages) holdSharding(got outcome, at *storage, m map[string]any) string {
	var e *vshard.Error
	text := func(key string) string { v, _ := m[key].(string); return v }
	code, _ := m["code"].(int64)
	bucket, _ := m["bucket_id"].(int64)
	want := vshard.Error{
		Name: text("name"), Code: int(code), Message: text("message"), Bucket: uint32(bucket), Destination: text("destination"),
		Master: text("master"), Replica: text("replica"), ReplicaSet: text("replicaset"), Reason: text("reason"),
	}
	if got.err != nil || len(got.again) == 0 || !errors.As(got.again[0].Err, &e) || *e != want {
		return fmt.Sprintf("got %+v, want %+v", got, want)
	}
	pauses, where := false, at.name
	elsewhere := s.sets[1-at.set][0].name
	if at.replica { // which was read from
		elsewhere = s.sets[1-at.set][1].name
	}
	switch {
	case want.Name == "BUCKET_IS_LOCKED":
		pauses = true
	case want.Name == "NON_MASTER":
		where = want.Master
	case want.Destination != "", homeOf(bucketOf([]any{bucket})) != at.set: // where it is looked up
		where = elsewhere
	}
	if got.where() != where || (got.again[0].Pause > 0) != pauses || len(got.again) != 1 {
		return fmt.Sprintf("asked %s after a pause of %v and %d in all, want %s", got.where(), got.again[0].Pause, len(got.again), where)
	}
	return ""
}

// replayStat gives the line to a router that looks for a bucket it knows nothing of.
func (s *storages) replayStat(t *testing.T, l recordedtest.Line) string {
	t.Helper()
	at := s.at(l)
	at.becomeMaster()
	const bucket = 58
	s.set([2][]uint32{}, true)
	answered := at.answer("vshard.storage.bucket_stat", l, at.stat)
	got := s.do(t, vshard.Call{Bucket: bucket, Function: "f"})
	if answered() == 0 {
		return fmt.Sprintf("the answer was not asked for: %v", got.err)
	}
	values, raised := l.Values()
	if raised != nil {
		if unready := raised.Code == errcode.AccessDenied || strings.Contains(raised.Message, "STORAGE_IS_DISABLED"); !errors.Is(got.err, vshard.ErrNoBucket) || (got.rests[at.name] != nil) != unready {
			return fmt.Sprintf("got %+v, want no bucket", got)
		}
		return ""
	}
	m, _ := values[0].(map[any]any)
	status, _ := m["status"].(string)
	switch status {
	case "active", "pinned", "readonly", "sending":
		if got.err != nil || got.where() != at.name {
			return fmt.Sprintf("a bucket that is %s is at %s, %v", status, got.where(), got.err)
		}
	case "sent", "garbage":
		if got.err != nil || got.where() != s.sets[1-at.set][0].name {
			return fmt.Sprintf("a bucket that went elsewhere is at %s, %v", got.where(), got.err)
		}
	case "", "receiving":
		if !errors.Is(got.err, vshard.ErrNoBucket) {
			return fmt.Sprintf("a bucket that is not there is at %s, %v", got.where(), got.err)
		}
	default:
		return "nobody knows " + status
	}
	return ""
}

// replayDiscovery gives the line to a router that opens.
func (s *storages) replayDiscovery(t *testing.T, l recordedtest.Line) string {
	t.Helper()
	at := s.at(l)
	at.becomeMaster()
	answered := at.answer("vshard.storage.buckets_discovery", l, nil)
	r, err := vshard.Open(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	set := r.Info().ReplicaSets[at.set]
	values, raised := l.Values()
	var rests error
	for _, in := range set.Instances {
		if in.Name == at.name {
			rests = in.RestsFor
		}
	}
	if raised != nil {
		var e *tnt.Error
		if !errors.As(rests, &e) || e.Message != raised.Message {
			return fmt.Sprintf("the instance rests for %v, want %v", rests, raised)
		}
		return ""
	}
	list, ok := values[0].([]any)
	if !ok {
		list, _ = values[0].(map[string]any)["buckets"].([]any)
	}
	if answered() == 0 || rests != nil || set.Buckets != len(list) {
		return fmt.Sprintf("found %d buckets, want %d; the instance rests for %v", set.Buckets, len(list), rests)
	}
	return ""
}

// replayInfo gives the line to a router that looks for the master, as the one that it
// knows says that it is none.
func (s *storages) replayInfo(t *testing.T, l recordedtest.Line) string {
	t.Helper()
	at := s.at(l)
	other := s.sets[at.set][1]
	if at.replica {
		other = s.sets[at.set][0]
	}
	other.becomeMaster()
	other.srv.Handle("vshard.storage.call", once(other.call, nil, map[string]any{"type": "ShardingError", "name": "NON_MASTER", "code": 2}))
	answered := at.answer("vshard.storage._call", l, nil)
	got := s.do(t, vshard.Call{Bucket: s.has[at.set][0], Function: "f"})
	want := other.name
	if values, raised := l.Values(); raised == nil && values[0].(map[string]any)["is_master"] == true {
		want = at.name
	}
	if answered() == 0 || got.err != nil || got.where() != want {
		return fmt.Sprintf("asked %d times, called %s, %v, want %s", answered(), got.where(), got.err, want)
	}
	return ""
}

// bucketOf is the bucket of a call that was recorded, or another one where that was
// none: a Router does not ask for those.
func bucketOf(args []any) uint32 {
	if len(args) > 0 {
		if b, ok := args[0].(int64); ok && b >= 1 && b <= 100 {
			return uint32(b)
		}
	}
	return 51
}

// Who looks for a bucket waits for nobody else once it is found.
func TestFindingWaitsForNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorages(t, false)
		at := s.at(recordedtest.Line{})
		s.set([2][]uint32{}, false)
		r, err := vshard.Open(t.Context(), s.config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		s.sets[1][0].srv.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: time.Minute})
		began := time.Now()
		got, err := vshard.One[string](t.Context(), r, vshard.Call{Bucket: 51, Function: "f"})
		if took := time.Since(began); err != nil || got != at.name || took > 0 {
			t.Errorf("called %s, %v, after %v", got, err, took)
		}
	})
}
