package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// sendable takes a group and adds requests to it.
func sendable(t *testing.T, s *Session, payloads ...string) *Group {
	t.Helper()
	g, err := s.AcquireGroup()
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range payloads {
		if err := add(t.Context(), g, payload, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// sent is sendable and sends them.
func sent(t *testing.T, s *Session, payloads ...string) *Group {
	t.Helper()
	g := sendable(t, s, payloads...)
	if err := g.Send(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	return g
}

// add adds a request to a group.
func add(ctx context.Context, g *Group, payload string, deadline time.Time) error {
	sync, frames := g.Next()
	return g.Add(ctx, appendRequest(frames, sync, payload), deadline)
}

// checkGroup checks the answer to request i.
func checkGroup(g *Group, i int, want string) error {
	_, _, body := g.Answer(i)
	return checkEcho(body, nil, want)
}

func TestGroup(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go echo(conn)
		for range 20 {
			g := sent(t, s, "0", "1", "2", "3", "4", "5", "6", "7")
			for i := range 8 {
				if err := g.Wait(t.Context(), i, in(time.Minute)); err != nil {
					t.Fatal(err)
				}
				if err := checkGroup(g, i, fmt.Sprint(i)); err != nil {
					t.Fatal(err)
				}
				if typ, version, _ := g.Answer(i); typ != iproto.TypeOK || version != 7 {
					t.Errorf("the answer is of type %v and schema version %d", typ, version)
				}
			}
			if n := s.InFlight(); n != 0 {
				t.Errorf("%d in flight after all were answered", n)
			}
			g.Leave()
		}
		if n := s.InFlight(); n != 0 || s.taken() != 0 {
			t.Errorf("%d in flight, %d slots taken", n, s.taken())
		}
	})
}

// TestGroupGivesUp ends the waits for an answer that does not come, and leaves
// another.
func TestGroupGivesUp(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		came := make(chan wire.Header, 3)
		go held(conn, came)
		g := sent(t, s, "x", "hold", "hold", "hold", "x")
		if err := g.Wait(t.Context(), 0, time.Time{}); err != nil {
			t.Fatal(err)
		}
		cause := errors.New("my cause")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, cause)
		defer cancel()
		if err := g.Wait(ctx, 1, time.Time{}); !errors.Is(err, cause) {
			t.Errorf("by context: %v", err)
		}
		if err := g.Wait(t.Context(), 2, in(time.Millisecond)); !errors.Is(err, ErrTimeout) {
			t.Errorf("by timeout: %v", err)
		}
		g.Leave()
		if n := s.InFlight(); n != 3 {
			t.Errorf("%d in flight, three were held", n)
		}
		for range 3 {
			h := <-came
			if _, err := conn.Write(answer(wire.Header{Sync: h.Sync}, []byte{0x80})); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.WaitIdle(t.Context()); err != nil || s.taken() != 0 || s.Stats().Late != 3 {
			t.Errorf("%v, %d slots taken, %d late", err, s.taken(), s.Stats().Late)
		}
	})
}

// TestGroupOfASessionThatDies has a part of the answers before the end.
func TestGroupOfASessionThatDies(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go func() {
			defer conn.Close()
			var answers []byte
			for i := range 3 {
				h, content, err := readFrame(conn)
				if err != nil {
					return
				}
				if i < 2 {
					answers = append(answers, answer(wire.Header{Sync: h.Sync}, content)...)
				}
			}
			_, _ = conn.Write(answers)
		}()
		g := sent(t, s, "0", "1", "2")
		var lost *LostError
		for i := range 3 {
			err := g.Wait(t.Context(), i, time.Time{})
			if i < 2 && err != nil || i == 2 && !errors.As(err, &lost) {
				t.Errorf("answer %d: %v", i, err)
			}
		}
		g.Leave()
		if n := s.InFlight(); n != 0 {
			t.Errorf("%d in flight", n)
		}
		if _, err := s.AcquireGroup(); !errors.As(err, &lost) {
			t.Errorf("a group afterwards: %v", err)
		}
	})
}

// TestGroupOfHighGenerations takes syncs of all their bits.
func TestGroupOfHighGenerations(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go echo(conn)
	g := sent(t, s, "0") // so that the slot is one of groups
	if err := g.Wait(t.Context(), 0, time.Time{}); err != nil {
		t.Fatal(err)
	}
	g.Leave()
	for _, generation := range []uint64{1 << 61, 1<<64 - 100<<indexBits} {
		g.slot.sync = generation | g.slot.sync&indexMask
		for range 3 {
			g := sent(t, s, "0", "1")
			for i := range 2 {
				if err := g.Wait(t.Context(), i, in(time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			g.Leave()
		}
	}
	if late := s.Stats().Late; late != 0 {
		t.Errorf("%d answers were taken for late ones", late)
	}
}

// TestGroupWithoutRoom fails what there is no room for.
func TestGroupWithoutRoom(t *testing.T) {
	s, _ := pair(t, true, Config{WriteBuffer: 1})
	g := sent(t, s, "x") // is being written, and never read
	for _, payload := range []string{"y", "z"} {
		if err := add(t.Context(), g, payload, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := g.Send(t.Context(), in(time.Millisecond)); payload == "z" && !errors.Is(err, ErrTimeout) {
			t.Errorf("sending: %v", err) // y may find room, while nothing waits behind what is written
		}
	}
	if err := g.Wait(t.Context(), 2, time.Time{}); !errors.Is(err, ErrTimeout) || !g.Unsent(2) || g.Unsent(0) {
		t.Errorf("waiting: %v, unsent %v", err, g.Unsent(2))
	}
	g.Leave()
}

// TestGroupOfNobody sends nothing of a group whose context has ended, and says so
// at the first request that would have been.
func TestGroupOfNobody(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go echo(conn)
	cause := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	g := sendable(t, s)
	if err := add(ctx, g, "small", time.Time{}); err != nil {
		t.Errorf("adding what is not sent yet: %v", err)
	}
	if err := add(ctx, g, strings.Repeat("x", groupPiece), time.Time{}); !errors.Is(err, cause) {
		t.Errorf("adding what is sent at once: %v", err)
	}
	if err := add(ctx, g, "small", time.Time{}); err != nil {
		t.Errorf("adding afterwards: %v", err)
	}
	if err := g.Send(ctx, time.Time{}); !errors.Is(err, cause) {
		t.Errorf("sending: %v", err)
	}
	for i := range 3 {
		if err := g.Wait(t.Context(), i, time.Time{}); !errors.Is(err, cause) || !g.Unsent(i) {
			t.Errorf("request %d ended with %v, unsent: %v", i, err, g.Unsent(i))
		}
	}
	g.Leave()
	if stats := s.Stats(); stats.Requests != 0 || stats.BytesOut != 0 || s.InFlight() != 0 {
		t.Errorf("%d in flight, %+v", s.InFlight(), stats)
	}
}

// TestGroupLeftUnsent has nothing of a group sent that was left before it was.
func TestGroupLeftUnsent(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go echo(conn)
	first := sendable(t, s, "mine", "and mine")
	first.Leave()
	g := sent(t, s, "0", "1")
	if g != first {
		t.Error("a group that was given back is not used again")
	}
	for i := range 2 {
		if err := g.Wait(t.Context(), i, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := checkGroup(g, i, fmt.Sprint(i)); err != nil {
			t.Error(err)
		}
	}
	g.Leave()
	if stats := s.Stats(); stats.Requests != 2 || stats.Late != 0 {
		t.Errorf("%d requests were sent, %d answers were for nobody", stats.Requests, stats.Late)
	}
}

// TestSyncsOfGroupsAreTheirs takes the slot of a full group: no request of it has
// the number of one before.
func TestSyncsOfGroupsAreTheirs(t *testing.T) {
	s, _ := pair(t, false, Config{})
	seen := map[uint64]bool{}
	use := func(sync uint64) {
		if seen[sync] {
			t.Fatalf("sync %#x is used twice", sync)
		}
		seen[sync] = true
	}
	for range 3 {
		g := sendable(t, s, make([]string, GroupSize)...)
		for i := range GroupSize {
			use(g.syncOf(i))
		}
		g.Leave()
		slot := taken(t, s, 1)[0]
		use(slot.Sync())
		s.Release(slot)
	}
}

// TestGroupsAnsweredTogether has the answers of two groups come at once, a request
// of each in turn.
func TestGroupsAnsweredTogether(t *testing.T) {
	s, conn := pair(t, false, Config{})
	const n = 3
	groups := []*Group{sent(t, s, make([]string, n)...), sent(t, s, make([]string, n)...)}
	var b []byte
	for i := range n {
		for _, g := range groups {
			b = append(b, answer(wire.Header{Sync: g.syncOf(i)}, []byte{0x80})...)
		}
	}
	errs := make(chan error, len(groups))
	for _, g := range groups {
		go func() { errs <- g.Wait(t.Context(), n-1, in(10*time.Second)) }()
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	for range groups {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, g := range groups {
		g.Leave()
	}
}

// TestGroupInOneWrite has the requests of a group go out together.
func TestGroupInOneWrite(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go echo(conn)
		g := sent(t, s, make([]string, GroupSize)...)
		if writes := s.Stats().Writes; writes > 1 {
			t.Errorf("%d writes", writes)
		}
		for i := range GroupSize {
			if err := g.Wait(t.Context(), i, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		g.Leave()
	})
}

// TestGroupsLeaveLittle takes many groups at once, of which few may be kept.
func TestGroupsLeaveLittle(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	const n = 1000
	before := heap()
	groups := make([]*Group, n)
	for i := range groups {
		groups[i] = sendable(t, s, make([]string, GroupSize)...)
	}
	during := heap()
	for _, g := range groups {
		g.Leave()
	}
	clear(groups)
	after := heap()
	if after-before > (during-before)/10 {
		t.Errorf("%d KiB are kept of %d", (after-before)>>10, (during-before)>>10)
	}
	if s.Trim(); len(s.freeGroups) > 0 {
		t.Errorf("%d groups are kept by an idle session", len(s.freeGroups))
	}
	small := sendable(t, s, "x")
	if small.blocks[0].Load() == nil || small.blocks[1].Load() != nil {
		t.Error("a group of one request is larger than it need be")
	}
	small.Leave()
}

// heap returns how many bytes are in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
