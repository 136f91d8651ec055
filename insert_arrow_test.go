package tnt_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// arrowBatch is a batch with a column "a" of one int64, as the test
// gh_10508_iproto_insert_arrow_test.lua of Tarantool 3.3 has it.
const arrowBatch = "ffffffff70000000040000009effffff0400010004000000" +
	"b6ffffff0c00000004000000000000000100000004000000daffffff140000000202" +
	"000004000000f0ffffff4000000001000000610000000600080004000c0010000400" +
	"080009000c000c000c0000000400000008000a000c00040006000800ffffffff8800" +
	"0000040000008affffff0400030010000000080000000000000000000000acffffff" +
	"01000000000000003400000008000000000000000200000000000000000000000000" +
	"00000000000000000000000000000800000000000000000000000100000001000000" +
	"0000000000000000000000000a00140004000c0010000c0014000400060008000c00" +
	"00000000000000000000"

// TestInsertArrow has the server find the request well-formed: it refuses it
// for what it lacks, an engine with columns, and not for what it got.
func TestInsertArrow(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
			Name:    "tester",
			Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}},
			Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1}}}},
		}))
		insertArrow(t, connect(t, tnt.Options{Address: srv.Addr()}))
		insertArrow(t, connect(t, tnt.Options{Address: srv.Addr(), NoSchema: true}))
	})
	onServersWith(t, 3, 3, func(t *testing.T, p *program) {
		insertArrow(t, shared(t, p))
		insertArrow(t, connect(t, tnt.Options{Address: p.shared.Address, NoSchema: true}))
	})
}

func insertArrow(t *testing.T, conn *tnt.Conn) {
	t.Helper()
	ipc, err := hex.DecodeString(arrowBatch)
	if err != nil {
		t.Fatal(err)
	}
	requests := map[string]tnt.InsertArrow{"by name": {Space: "tester", IPC: ipc}}
	if known := conn.Schema(); known != nil {
		requests["by number"] = tnt.InsertArrow{SpaceID: known.Space("tester").ID, IPC: ipc}
		_, err := conn.Do(testContext(t), tnt.InsertArrow{Space: "nowhere", IPC: ipc})
		if err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("no space: %v", err)
		}
	}
	for name, req := range requests {
		_, err := conn.Do(testContext(t), req)
		if !errors.Is(err, errcode.Unsupported) {
			t.Errorf("%s: %v", name, err)
		}
		failsWith(t, name, err, "INSERT_ARROW")
		failsWith(t, name, err, "does not support arrow format")
	}
	// What is not an extension of Arrow's is refused for that.
	_, err = conn.Do(testContext(t), tnt.Raw{RequestType: tnt.InsertArrow{}.Type(), Body: []byte("\x82\x10\xcd\x02\x00\x36\xc7\x00\x00")})
	if !errors.Is(err, errcode.InvalidMsgpack) {
		t.Errorf("another extension: %v", err)
	}
	if _, err := conn.Do(testContext(t), tnt.InsertArrow{Space: "tester"}); err == nil || !tnt.SafeToRetry(err) {
		t.Errorf("no batch: %v", err)
	}
}

// TestInsertArrowOfOldServer has the feature missed before anything is sent.
func TestInsertArrowOfOldServer(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithVersion("3.2.4"))
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	var missing *tnt.FeatureError
	_, err := conn.Do(testContext(t), tnt.InsertArrow{SpaceID: 512, IPC: []byte{1}})
	if !errors.As(err, &missing) || missing.Feature != iproto.FeatureInsertArrow || !tnt.SafeToRetry(err) {
		t.Errorf("got %v", err)
	}
	if err := conn.Ping(testContext(t)); err != nil { // what was sent before it has come by now
		t.Fatal(err)
	}
	if got := srv.Counters().Requests[tnt.InsertArrow{}.Type()]; got != 0 {
		t.Errorf("the server got it %d times", got)
	}
}

// TestInsertArrowOfOldRealServers is the same with those that are there.
func TestInsertArrowOfOldRealServers(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		if p.Version.AtLeast(3, 3, 0) {
			t.Skipf("%v has the feature", p.Version)
		}
		var missing *tnt.FeatureError
		_, err := shared(t, p).Do(testContext(t), tnt.InsertArrow{Space: "tester", IPC: []byte{1}})
		if !errors.As(err, &missing) || missing.Feature != iproto.FeatureInsertArrow || !tnt.SafeToRetry(err) {
			t.Errorf("got %v", err)
		}
	})
}
