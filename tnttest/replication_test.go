package tnttest_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// follower is a connection that speaks the protocol of replication.
type follower struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func dialFollower(t *testing.T, srv *tnttest.Server) *follower {
	t.Helper()
	nc, err := srv.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	f := &follower{nc, t, bufio.NewReader(nc)}
	if _, err := f.in.Discard(wire.GreetingSize); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *follower) send(typ iproto.Type, body []byte) {
	f.t.Helper()
	b := append(wire.AppendRequestHeader(wire.BeginFrame(nil), wire.Header{Type: typ, Sync: 7}), body...)
	if err := wire.EndFrame(b, 0); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		f.t.Fatal(err)
	}
}

// receive returns the next row; io.EOF where the connection was closed.
func (f *follower) receive() (replication.Row, error) {
	head, err := f.in.Peek(5)
	if err != nil {
		return replication.Row{}, err
	}
	n, size, _ := wire.FrameSize(head)
	frame := make([]byte, n+int(size))
	if _, err := io.ReadFull(f.in, frame); err != nil {
		return replication.Row{}, err
	}
	r := mp.NewReader(frame[n:])
	return replication.DecodeRow(&r)
}

// next returns the next row, which has to be there.
func (f *follower) next() replication.Row {
	f.t.Helper()
	row, err := f.receive()
	if err != nil {
		f.t.Fatal(err)
	}
	return row
}

func (f *follower) body(row *replication.Row) replication.Body {
	f.t.Helper()
	body, err := replication.DecodeBody(row.Type, row.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return body
}

// request is the body of a SUBSCRIBE. Tests change what they are about.
type request struct {
	replicaset, instance string
	vclock               types.VClock
	anon                 bool
}

func (r request) encode() []byte {
	w := wire.NewBody(nil)
	if r.replicaset != "" {
		w.String(iproto.KeyReplicasetUUID, r.replicaset)
	}
	if r.instance != "" {
		w.String(iproto.KeyInstanceUUID, r.instance)
	}
	w.Key(iproto.KeyVClock)
	w.B = replication.AppendVClock(w.B, r.vclock)
	if r.anon {
		w.Bool(iproto.KeyReplicaAnon, true)
	}
	return w.End()
}

var goods = tnttest.WithSpace(tnttest.SpaceDef{
	Name: "goods", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
})

// identity asks a server who it is.
func identity(t *testing.T, srv *tnttest.Server) (replicaset string) {
	t.Helper()
	for _, name := range []string{"cluster", "replicaset_uuid"} {
		if row, err := srv.Space("_schema").Get(name); err != nil {
			t.Fatal(err)
		} else if row != nil {
			return row[1].(string)
		}
	}
	t.Fatal("the server does not say which replica set it is of")
	return ""
}

// What is wrong with a SUBSCRIBE gets the codes that 2.6.0 and 3.8.0 answered, 0:
// it follows. Then the connection is closed.
func TestSubscribeRefused(t *testing.T) {
	const other = "11111111-1111-4111-8111-111111111111"
	tests := map[string]struct {
		change   func(*request)
		old, new errcode.Code
	}{
		"right":                  {func(*request) {}, 0, 0},
		"another replica set":    {func(r *request) { r.replicaset = other }, 0, errcode.ReplicasetUUIDMismatch},
		"no replica set":         {func(r *request) { r.replicaset = "" }, 0, errcode.ReplicasetUUIDMismatch},
		"no instance":            {func(r *request) { r.instance = "" }, 0, errcode.NilUUID},
		"the nil UUID":           {func(r *request) { r.instance = uuid.Nil.String() }, 0, errcode.NilUUID},
		"a UUID that is none":    {func(r *request) { r.instance = "none" }, errcode.InvalidMsgpack, errcode.InvalidMsgpack},
		"not anonymous":          {func(r *request) { r.anon = false }, errcode.UnknownReplica, errcode.TooEarlySubscribe},
		"ahead":                  {func(r *request) { r.vclock[1] += 100 }, 0, 0},
		"ahead of another":       {func(r *request) { r.vclock[9] = 5 }, 0, 0},
		"a second connection":    {func(r *request) { r.instance = other }, errcode.Cfg, errcode.Cfg},
		"a position that is old": {func(r *request) { r.vclock = types.VClock{} }, 0, 0},
	}
	for name, test := range tests {
		for version, want := range map[string]errcode.Code{"2.6.0": test.old, "3.8.0": test.new} {
			t.Run(name+"/"+version, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithVersion(version), goods)
					right := request{replicaset: identity(t, srv), instance: uuid.NewString(), vclock: types.VClock{1: 2}, anon: true}
					first := right
					first.instance = other
					f := dialFollower(t, srv)
					f.send(iproto.TypeSubscribe, first.encode())
					f.next()
					f = dialFollower(t, srv)
					test.change(&right)
					f.send(iproto.TypeSubscribe, right.encode())
					answer := f.next()
					if answer.Type != iproto.TypeOK && answer.Type != iproto.TypeError|iproto.Type(want) || answer.Type == iproto.TypeOK && want != 0 {
						t.Fatalf("the answer is %v, wanted code %v", answer.Type, want)
					}
					if want != 0 {
						if _, err := f.receive(); !errors.Is(err, io.EOF) {
							t.Errorf("the connection stays open: %v", err)
						}
						return
					}
					if body := f.body(&answer); body.ReplicaSet != identity(t, srv) || answer.ReplicaID != 1 {
						t.Errorf("the answer is of %q, instance %d", body.ReplicaSet, answer.ReplicaID)
					}
				})
			})
		}
	}
}

// A follower that says nothing is cut off after four replication_timeouts, by
// an old server with an error; one that acknowledges is not.
func TestSilentFollower(t *testing.T) {
	for _, version := range []string{"2.6.0", "3.8.0"} {
		for _, acks := range []bool{false, true} {
			t.Run(version, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithVersion(version), tnttest.WithReplicationTimeout(2*time.Second))
					f := dialFollower(t, srv)
					f.send(iproto.TypeSubscribe, request{replicaset: identity(t, srv), instance: uuid.NewString(), anon: true}.encode())
					began := time.Now()
					var last replication.Row
					for time.Since(began) < time.Minute {
						row, err := f.receive()
						if err != nil {
							break
						}
						last = row
						if acks && row.Type == iproto.TypeOK {
							w := wire.NewBody(nil)
							w.Raw(iproto.KeyVClock, []byte{0x80})
							f.send(iproto.TypeOK, w.End())
						}
					}
					lasted := time.Since(began).Round(time.Second)
					switch {
					case acks && lasted < time.Minute:
						t.Errorf("one that acknowledges was cut off after %v: %v", lasted, last.Type)
					case !acks && lasted != 8*time.Second:
						t.Errorf("a silent one was cut off after %v", lasted)
					case !acks && (last.Type == iproto.TypeError|iproto.Type(errcode.System)) != (version == "2.6.0"):
						t.Errorf("the last row is %v", last.Type)
					}
				})
			})
		}
	}
}

// Anything but an acknowledgement ends the stream.
func TestSubscribeThenPing(t *testing.T) {
	for name, send := range map[string]func(*follower){
		"a ping":      func(f *follower) { f.send(iproto.TypePing, nil) },
		"no position": func(f *follower) { f.send(iproto.TypeOK, []byte{0x80}) },
		"garbage":     func(f *follower) { _, _ = f.Write([]byte{0x02, 0xc0, 0xc0}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := tnttest.Run(t, tnttest.InMemory())
				f := dialFollower(t, srv)
				f.send(iproto.TypeSubscribe, request{replicaset: identity(t, srv), instance: uuid.NewString(), anon: true}.encode())
				f.next()
				go send(f)
				for {
					row, err := f.receive()
					if err != nil {
						t.Fatalf("it ends without an error: %v", err)
					}
					if row.Type == iproto.TypeError|iproto.Type(errcode.InvalidMsgpack) {
						break
					}
				}
				if _, err := f.receive(); !errors.Is(err, io.EOF) {
					t.Errorf("the connection stays open: %v", err)
				}
			})
		})
	}
}

// An old server says nothing of a dropped log before the next write, a newer
// one at once; the ballots of both tell where the log begins.
func TestDroppedLog(t *testing.T) {
	for version, code := range map[string]errcode.Code{"2.6.0": errcode.ProcLua, "3.8.0": errcode.XlogGap} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithVersion(version), goods)
				if err := srv.Space("goods").Insert(1); err != nil {
					t.Fatal(err)
				}
				srv.DropLog()
				f := dialFollower(t, srv)
				f.send(iproto.TypeSubscribe, request{replicaset: identity(t, srv), instance: uuid.NewString(), vclock: types.VClock{1: 1}, anon: true}.encode())
				time.AfterFunc(2500*time.Millisecond, func() { _ = srv.Space("goods").Insert(2) })
				began := time.Now()
				var row replication.Row
				for row = f.next(); row.Type == iproto.TypeOK; {
					row = f.next()
				}
				if row.Type != iproto.TypeError|iproto.Type(code) || (time.Since(began) == 0) != (version == "3.8.0") {
					t.Errorf("after %v comes %v", time.Since(began), row.Type)
				}
			})
		})
	}
}

// A transaction's rows are numbered, and say where it begins and ends.
func TestEmittedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), goods)
		row := func(id, replica int) tnttest.LogRow {
			return tnttest.LogRow{Type: iproto.TypeInsert, ReplicaID: uint32(replica), Space: "goods", Tuple: []any{id}}
		}
		last := row(2, 5)
		last.Synchronous = true
		if lsn, err := srv.Emit(row(1, 5), last); lsn != 2 || err != nil {
			t.Fatalf("%d, %v", lsn, err)
		}
		f := dialFollower(t, srv)
		f.send(iproto.TypeSubscribe, request{replicaset: identity(t, srv), instance: uuid.NewString(), vclock: types.VClock{1: 1000}, anon: true}.encode())
		var got []replication.Row
		for len(got) < 2 {
			if row := f.next(); row.Type == iproto.TypeInsert {
				row.Timestamp, row.Body = 0, nil
				got = append(got, row)
			}
		}
		want := []replication.Row{
			{Type: iproto.TypeInsert, Sync: 7, ReplicaID: 5, LSN: 1, TSN: 1, HasTSN: true},
			{Type: iproto.TypeInsert, Sync: 7, ReplicaID: 5, LSN: 2, TSN: 1, HasTSN: true, Flags: 7},
		}
		for i := range want {
			if g, w := got[i], want[i]; g.LSN != w.LSN || g.TSN != w.TSN || g.Flags != w.Flags || g.ReplicaID != w.ReplicaID || g.Sync != w.Sync {
				t.Errorf("row %d is %+v, wanted %+v", i, g, w)
			}
		}
		for what, rows := range map[string][]tnttest.LogRow{
			"none":           {},
			"of two":         {row(1, 1), row(1, 2)},
			"there already":  {{Type: iproto.TypeNop, ReplicaID: 5, LSN: 2}},
			"no such space":  {{Type: iproto.TypeDelete, Space: "none"}},
			"of a select":    {{Type: iproto.TypeSelect, Space: "goods"}},
			"of a great one": {{Type: iproto.TypeNop, ReplicaID: 32}},
		} {
			if _, err := srv.Emit(rows...); err == nil {
				t.Errorf("%s: no error", what)
			}
		}
	})
}

// A log keeps what a follower has still to get, and otherwise no more than its
// size.
func TestLogSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), goods, tnttest.WithLogSize(1000), tnttest.WithVersion("2.6.0"))
		for i := range 100 {
			if err := srv.Space("goods").Insert(i); err != nil {
				t.Fatal(err)
			}
		}
		f := dialFollower(t, srv)
		f.send(iproto.TypeVote, nil)
		row := f.next()
		r := mp.NewReader(f.body(&row).Ballot)
		vclocks := map[uint64]types.VClock{}
		for n := r.MapLen(); n > 0; n-- {
			if k := r.Uint(); k == 2 || k == 3 {
				vclocks[k] = replication.ReadVClock(&r)
			} else {
				r.Skip()
			}
		}
		if kept := vclocks[2][1] - vclocks[3][1]; kept < 2 || kept > 10 {
			t.Errorf("%d rows are kept: from %v to %v", kept, vclocks[3], vclocks[2])
		}
	})
}
