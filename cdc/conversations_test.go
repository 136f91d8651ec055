package cdc

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/rowtest"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// A conversation is a recording of all frames of a connection with a real
// server, and of what another reader saw in them.
type conversation struct {
	name  string
	bytes []byte
	Meta  struct {
		Server     string `json:"server"`
		Result     string `json:"result"`
		ReplicaSet string `json:"replicaset_uuid"`
	} `json:"meta"`
	Frames []struct {
		Off  int             `json:"off"`
		Len  int             `json:"len"`
		Dir  string          `json:"dir"`
		What json.RawMessage `json:"what"`
	} `json:"frames"`
}

func (c *conversation) frame(i int) []byte {
	return c.bytes[c.Frames[i].Off : c.Frames[i].Off+c.Frames[i].Len]
}

// requestType returns the type of a request that is sent at a frame.
func (c *conversation) requestType(i int) string {
	var what struct{ Type string }
	if c.Frames[i].Dir != "c2s" || json.Unmarshal(c.Frames[i].What, &what) != nil {
		return ""
	}
	return what.Type
}

var conversations = sync.OnceValues(func() (map[string]*conversation, error) {
	archive, err := zip.OpenReader("testdata/conversations.zip")
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }() // it was only read
	all := map[string]*conversation{}
	for _, f := range archive.File {
		name := strings.TrimSuffix(f.Name, path.Ext(f.Name))
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		c := all[name]
		if c == nil {
			c = &conversation{name: name}
			all[name] = c
		}
		switch path.Ext(f.Name) {
		case ".bin":
			c.bytes = text
		case ".json":
			err = json.Unmarshal(text, c)
		default:
			delete(all, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return all, nil
})

func recording(t *testing.T, name string) *conversation {
	t.Helper()
	all, err := conversations()
	if err != nil {
		t.Fatal(err)
	}
	if all[name] == nil {
		t.Fatalf("no recording %s", name)
	}
	return all[name]
}

func TestRecordedFrames(t *testing.T) {
	all, err := conversations()
	if err != nil || len(all) != 120 {
		t.Fatalf("%d conversations, %v, wanted 120", len(all), err)
	}
	frames := 0
	for name, c := range all {
		at := 0
		for i, f := range c.Frames {
			if f.Off != at {
				t.Fatalf("%s: frame %d is at %d, not %d", name, i, f.Off, at)
			}
			at += f.Len
			if f.Len == wire.GreetingSize && i == 0 || f.Len == 0 {
				continue
			}
			frames++
			if strings.HasPrefix(path.Base(name), "sub_ack_garbage") && f.Dir == "c2s" {
				continue // what the server refuses, on purpose
			}
			compareFrame(t, fmt.Sprintf("%s: frame %d", name, i), c.frame(i), f.What)
		}
		if at != len(c.bytes) {
			t.Fatalf("%s: %d bytes of %d", name, at, len(c.bytes))
		}
	}
	if frames < 4000 {
		t.Errorf("only %d frames", frames)
	}
	t.Logf("%d conversations, %d frames", len(all), frames)
}

func compareFrame(t *testing.T, name string, b []byte, what []byte) {
	t.Helper()
	head, size, err := wire.FrameSize(b)
	if err != nil || head+int(size) != len(b) {
		t.Fatalf("%s: %d+%d of %d bytes, %v", name, head, size, len(b), err)
	}
	r := mp.NewReader(b[head:])
	row, err := replication.DecodeRow(&r)
	if err != nil {
		if strings.Contains(name, "id_32") { // an id that no instance has
			return
		}
		t.Fatalf("%s: %v", name, err)
	}
	got, err := rowtest.Row(row)
	if err != nil {
		if strings.Contains(name, "id_32") {
			return
		}
		t.Fatalf("%s: %v", name, err)
	}
	want, err := rowtest.Parse(what)
	if err != nil {
		t.Fatal(err)
	}
	if diff := rowtest.Diff(got, want); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
	if row.Type == iproto.TypeRaft {
		return
	}
	if _, err := replication.DecodeBody(row.Type, row.Body); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// replay follows a conversation from a start, until the peer has sent all of
// it and nothing more happens.
func replay(t *testing.T, c *conversation, from Start) (txs []*Tx, states []State, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := &peer{c: c, t: t}
		f := Stream(ctx, []tnt.Options{{Dialer: p.dial, User: "nobody", Password: "x"}}, Options{
			From: from, OnState: func(s State) { states = append(states, s) },
		})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for tx, e := range f.All() {
				if e != nil {
					err = e
					return
				}
				txs = append(txs, tx)
			}
		}()
		synctest.Wait()
		if p.denies() {
			time.Sleep(firstPause) // until it was asked again
			synctest.Wait()
		}
		cancel()
		<-ended
		p.wait()
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	})
	return txs, states, err
}

func startOf(t *testing.T, c *conversation) (start Start, ok bool) {
	t.Helper()
	for i := range c.Frames {
		switch c.requestType(i) {
		case "FETCH_SNAPSHOT":
			return Snapshot, true
		case "SUBSCRIBE":
			var what struct {
				ReplicaSet string `json:"replicaset_uuid"`
				VClock     string `json:"vclock"`
			}
			if err := json.Unmarshal(c.Frames[i].What, &what); err != nil {
				return start, false // keys or values that are wrong on purpose
			}
			set, err1 := uuid.Parse(what.ReplicaSet)
			v, err2 := types.ParseVClock(what.VClock)
			return AtPosition(Position{set, v}), err1 == nil && err2 == nil
		}
	}
	return start, false
}

// Every conversation that starts as this client's do ends as it did.
func TestConversationsEndAsTheyDid(t *testing.T) {
	all, err := conversations()
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for name, c := range all {
		start, ok := startOf(t, c)
		if !ok || strings.HasPrefix(name, "join") || strings.HasPrefix(name, "register") {
			continue
		}
		played++
		t.Run(name, func(t *testing.T) {
			_, states, err := replay(t, c, start)
			var code errcode.Code
			if _, text, ok := strings.Cut(c.Meta.Result, "server error "); ok {
				if _, err := fmt.Sscanf(text, "%d", &code); err != nil {
					t.Fatal(err)
				}
			}
			var last error // seen, also where another attempt may help
			for _, s := range states {
				if s.Err != nil {
					last = s.Err
				}
			}
			if err != nil {
				last = err
			}
			base := path.Base(name)
			switch {
			case strings.HasPrefix(base, "resume_inside"):
				if err == nil || !strings.Contains(err.Error(), "inside of a transaction") {
					t.Errorf("ended by %v", err)
				}
			case strings.HasPrefix(base, "sub_ahead"), strings.HasPrefix(base, "ahead_by"), strings.HasPrefix(base, "sub_vclock_id_31"):
				if !errors.Is(err, ErrAhead) {
					t.Errorf("ended by %v, wanted ErrAhead", err)
				}
			case base == "sub_bad_replicaset":
				if !errors.Is(err, ErrOtherReplicaSet) {
					t.Errorf("ended by %v, wanted ErrOtherReplicaSet", err)
				}
			case strings.HasPrefix(base, "gap") && code != 0:
				if !errors.Is(err, ErrGap) || !errors.Is(err, code) {
					t.Errorf("ended by %v, wanted ErrGap", err)
				}
			case code == errcode.AccessDenied:
				if err == nil || !errors.Is(err, code) || !strings.Contains(err.Error(), "box.schema.user.grant('nobody'") ||
					strings.Contains(err.Error(), "_gc_consumers") != strings.Contains(c.Meta.Result, "_gc_consumers") {
					t.Errorf("ended by %v, wanted one that names the grant", err)
				}
			case code != 0:
				if !errors.Is(last, code) {
					t.Errorf("ended by %v, wanted code %d", last, code)
				}
			case strings.HasPrefix(c.Meta.Result, "EOF"), strings.Contains(c.Meta.Result, "; EOF"):
				if last == nil || err != nil {
					t.Errorf("the end of the connection: %v, %v", last, err)
				}
			default:
				if last != nil {
					t.Errorf("ended by %v", last)
				}
			}
		})
	}
	if played < 80 {
		t.Errorf("only %d conversations were played", played)
	}
	t.Logf("%d of %d conversations played", played, len(all))
}

// userRows are the rows of users' spaces as text.
func userRows(txs []*Tx) (rows []string) {
	for _, tx := range txs {
		if tx.Phase != InLog {
			continue
		}
		for _, c := range tx.Changes {
			rows = append(rows, c.String())
		}
	}
	return rows
}

// Two servers, a synchronous space, a failover with rollback: both streams
// have the same confirmed transactions, and none that was rolled back.
func TestFailoverStreamsAgree(t *testing.T) {
	want := []string{
		"[1 a]", "[2 b]", "[2 async in sync]", "[3 async]", "[20 by B]", "[21 by B, later]", "[22 async by B]",
		"[30 by A again]", "[31 after a demotion]", "[32 B after a demotion]",
	}
	for _, name := range []string{"cluster_A_38", "cluster_B_38"} {
		txs, _, err := replay(t, recording(t, name), Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tx := range txs {
			for _, c := range tx.Changes {
				if tx.Phase == InLog {
					values, err := c.Tuple.Values()
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprint(values))
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
		if end := txs[len(txs)-1].Position.VClock; end != (types.VClock{1: 21, 2: 7}) {
			t.Errorf("%s: ends at %v", name, end)
		}
	}
}

func TestRecordedWorkload(t *testing.T) {
	for _, c := range []struct {
		name       string
		end        types.VClock
		rolledBack bool
	}{{"anon_full_26", types.VClock{1: 122}, false}, {"anon_full_38", types.VClock{1: 118}, true}} {
		txs, _, err := replay(t, recording(t, c.name), Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		rows := userRows(txs)
		text := strings.Join(rows, "\n")
		for _, row := range []string{
			`insert goods [id: 1, name: "one", price: 1.5, tags: [a b]]`,
			`update goods key [1] [{+ 2 [1]} {= 3 [[z]]}]`, // counted from 1 in Lua
			`update goods key [1] [{= name [uno]}]`,
			`upsert goods [id: 3, name: "three", price: 3] [{+ 2 [1]}]`,
			"delete goods key [777]", // found nothing
			`replace wares [2, "noformat"]`, "formatted", "in", "a transaction", "confirmed again",
		} {
			if !strings.Contains(text, row) {
				t.Errorf("%s: no %s in\n%s", c.name, row, text)
			}
		}
		if strings.Contains(text, "rolled back") == c.rolledBack || strings.Contains(text, "waits") == c.rolledBack {
			t.Errorf("%s: what was rolled back is there, or what was not is missing:\n%s", c.name, text)
		}
		last := txs[len(txs)-1]
		if last.Position.VClock != c.end || last.Position.ReplicaSet.String() != recording(t, c.name).Meta.ReplicaSet {
			t.Errorf("%s: ends at %v", c.name, last.Position)
		}
		var whole *Tx
		for _, tx := range txs {
			if len(tx.Changes) == 3 && strings.Contains(tx.Changes[0].String(), `"ten"`) {
				whole = tx
			}
		}
		if whole == nil || whole.Changes[2].Op != Delete {
			t.Errorf("%s: no transaction of three rows", c.name)
		}
	}
}
