package session

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/wire"
)

// watched is a reader that remembers how much it was asked for.
type watched struct {
	io.Reader
	asked []int
}

func (w *watched) Read(b []byte) (int, error) {
	w.asked = append(w.asked, len(b))
	return w.Reader.Read(b)
}

// TestReadsAreLargeWhileMuchComes has frames come by more than small buffers, and
// then one by one.
func TestReadsAreLargeWhileMuchComes(t *testing.T) {
	const large = 64 << 10
	frame := answer(wire.Header{Sync: 1}, bytes.Repeat([]byte{0xc0}, 700))
	full := bytes.Repeat(frame, 3*smallBuffer/len(frame)+1)
	src := &watched{Reader: &steps{[][]byte{full, full, full, frame, frame, frame}}}
	in := newInput(src, large)
	for {
		got, _, err := in.next(1 << 20)
		for ; got != nil && err == nil; got, err = in.buffered(1 << 20) {
			if !bytes.Equal(got, frame[5:]) {
				t.Fatalf("a frame of %d bytes came as one of %d", len(frame), len(got))
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if most := slices.Max(src.asked); most > large {
		t.Errorf("a read was for %d bytes", most)
	}
	if src.asked[0] != smallBuffer || src.asked[1] < large/2 || src.asked[len(src.asked)-1] != smallBuffer {
		t.Errorf("reads were for %v bytes", src.asked)
	}
	for i, n := range src.asked[1:4] { // the first chunk was read up to its end
		if n < large/2 {
			t.Errorf("read %d was for %d bytes, while much came: %v", i+1, n, src.asked)
		}
	}
}

// TestBufferStaysAsLarge reads a long stream whose frames are cut by the end of
// the buffer.
func TestBufferStaysAsLarge(t *testing.T) {
	for _, large := range []int{0, smallBuffer, smallBuffer + 1, 3 * smallBuffer} {
		const n = 500
		var stream []byte
		frames := make([][]byte, n)
		for i := range frames {
			frames[i] = answer(wire.Header{Sync: uint64(i)}, bytes.Repeat([]byte{byte(i)}, i*7))
			stream = append(stream, frames[i]...)
		}
		src := &watched{Reader: bytes.NewReader(stream)}
		in := newInput(src, large)
		for i, want := range frames {
			got, err := in.buffered(1 << 20)
			if got == nil && err == nil {
				got, _, err = in.next(1 << 20)
			}
			if err != nil || !bytes.Equal(got, want[5:]) {
				t.Fatalf("with %d bytes: frame %d is %d bytes long, %v", large, i, len(got), err)
			}
		}
		if _, _, err := in.next(1 << 20); !errors.Is(err, io.EOF) {
			t.Errorf("with %d bytes: at the end %v", large, err)
		}
		if most := slices.Max(src.asked); most > max(large, smallBuffer) {
			t.Errorf("with %d bytes: a read was for %d", large, most)
		}
	}
}

// TestLargeFramesLeaveTheBufferAlone reads a frame that the large buffer has no
// room for, which is its caller's afterwards.
func TestLargeFramesLeaveTheBufferAlone(t *testing.T) {
	large := answer(wire.Header{Sync: 1}, bytes.Repeat([]byte{7}, 1<<20))
	small := answer(wire.Header{Sync: 2}, []byte{0x80})
	src := &watched{Reader: &steps{[][]byte{large, small}}}
	in := newInput(src, 2*smallBuffer)
	got, owned, err := in.next(1 << 30)
	if err != nil || !owned || !bytes.Equal(got, large[5:]) {
		t.Fatalf("%d bytes, owned %v, %v", len(got), owned, err)
	}
	if len(in.buf) > 2*smallBuffer {
		t.Errorf("the buffer has %d bytes", len(in.buf))
	}
	if got, owned, err := in.next(1 << 30); err != nil || owned || !bytes.Equal(got, small[5:]) {
		t.Errorf("after it: %x, owned %v, %v", got, owned, err)
	}
}

// TestReaderThatReadsNothing is no reason to try for ever.
func TestReaderThatReadsNothing(t *testing.T) {
	in := newInput(nothing{}, 0)
	if _, _, err := in.next(1 << 20); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// TestWordsOfTheEnd tells a server that ends the connection between two answers
// from one that does in the middle of one, wherever that is.
func TestWordsOfTheEnd(t *testing.T) {
	whole := answer(wire.Header{Sync: 1}, []byte{0x80})
	large := answer(wire.Header{Sync: 1}, make([]byte, 1<<20))
	for name, one := range map[string]struct {
		sent   []byte
		middle bool
	}{
		"nothing":                    {nil, false},
		"an answer":                  {whole, false},
		"a part of an answer":        {whole[:len(whole)-1], true},
		"one and a part":             {append(whole[:len(whole):len(whole)], 0xce), true},
		"the length of a large one":  {large[:5], true},
		"a part of a large one":      {large[:5000], true},
		"nearly all of a large one":  {large[:len(large)-1], true},
		"all of a large one, and so": {large, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, conn := pair(t, false, Config{})
			if _, err := conn.Write(one.sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			<-s.Dead()
			err, words := s.Err(), "in the middle of an answer"
			if strings.Contains(err.Error(), words) != one.middle || errors.Is(err, io.ErrUnexpectedEOF) != one.middle || errors.Is(err, io.EOF) == one.middle {
				t.Errorf("ended with %q", err)
			}
		})
	}
}
