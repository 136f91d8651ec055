package mp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// TestSkip passes over a value of every first byte, with lengths of all widths
// behind it, whole and cut short. Where msgp can be trusted it has to agree.
func TestSkip(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("msgp's lengths wrap with 32 bits, so there is nothing to hold this against")
	}
	for first := range 256 {
		for _, length := range [][]byte{{0, 0, 0, 0}, {0, 0, 0, 3}, {0, 3, 0, 0}, {3, 0, 0, 0}, {1, 1, 0, 0}} {
			whole := slices.Concat([]byte{byte(first)}, length, bytes.Repeat([]byte{0x01}, 2000))
			agreesWithMsgp(t, whole)
			for n := range 40 {
				agreesWithMsgp(t, whole[:n])
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		b := make([]byte, random.IntN(24))
		for i := range b {
			b[i] = byte(random.Uint32())
			if random.IntN(2) == 0 {
				b[i] = []byte{0x90, 0x91, 0x92, 0x81, 0xc4, 0xd9, 0xdc, 0xde, 0, 0, 1}[random.IntN(11)]
			}
		}
		agreesWithMsgp(t, b)
	}
}

func agreesWithMsgp(t *testing.T, b []byte) {
	t.Helper()
	want, wantErr := msgp.Skip(b)
	r := NewReader(b)
	raw := r.Raw()
	switch {
	case (r.Err() == nil) != (wantErr == nil):
		t.Fatalf("% x: %v, and msgp %v", b, r.Err(), wantErr)
	case wantErr == nil && len(raw) != len(b)-len(want):
		t.Fatalf("% x: %d bytes, and msgp %d", b, len(raw), len(b)-len(want))
	}
}

// TestSkipOfLyingLengths has lengths that 32 bits can't add to, alone and many
// times: each has to be refused at once.
func TestSkipOfLyingLengths(t *testing.T) {
	for _, b := range [][]byte{
		{0xdb, 0xff, 0xff, 0xff, 0xfb},
		{0xc6, 0xff, 0xff, 0xff, 0xff},
		{0xc9, 0xff, 0xff, 0xff, 0xfa, 1},
		{0xdd, 0xff, 0xff, 0xff, 0xff},
		{0xdf, 0x80, 0, 0, 0},
		{0xdd, 0x0f, 0xff, 0xff, 0xff, 0xdb, 0xff, 0xff, 0xff, 0xfb},
	} {
		r := NewReader(append(b, 1, 2, 3, 4))
		if r.Skip(); !errors.Is(r.Err(), ErrTruncated) {
			t.Errorf("% x: passed over %d bytes, %v", b, r.Offset(), r.Err())
		}
	}
}

func TestSkipOfDeepNesting(t *testing.T) {
	for depth, ok := range map[int]bool{1: true, skipDepth - 1: true, skipDepth: false, 10 * skipDepth: false} {
		r := NewReader(append(bytes.Repeat([]byte{0x91}, depth), 0xc0))
		if r.Skip(); (r.Err() == nil) != ok {
			t.Errorf("nested %d times: %v", depth, r.Err())
		}
	}
}

func BenchmarkSkip(b *testing.B) {
	row := AppendFloat64(AppendInt(AppendString(AppendUint(AppendArrayLen(nil, 4), 1), "name1"), 2), 1.5)
	b.Run("by hand", func(b *testing.B) {
		for b.Loop() {
			if _, err := skip(row, 1, skipDepth); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("msgp", func(b *testing.B) {
		for b.Loop() {
			if _, err := msgp.Skip(row); err != nil {
				b.Fatal(err)
			}
		}
	})
}
