package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

func greeting(line, salt string) []byte {
	pad := func(s string) string { return s + strings.Repeat(" ", greetingLine-1-len(s)) + "\n" }
	return []byte(pad(line) + pad(salt))
}

const goodSalt = "QK2HoFZGXTXBq2vFj7soCsHqTo6PGTF575ssUBAJLAI="

func TestDecodeGreeting(t *testing.T) {
	g, err := DecodeGreeting(greeting("Tarantool 3.8.0 (Binary) 7170b4af-c72d-4f07-8729-08fc678543a1", goodSalt))
	if err != nil {
		t.Fatal(err)
	}
	if g.Version != (iproto.Version{Major: 3, Minor: 8}) || g.Protocol != "Binary" || g.UUID != "7170b4af-c72d-4f07-8729-08fc678543a1" || g.Salt[0] != 0x40 {
		t.Errorf("got %+v", g)
	}
	for line, version := range map[string]iproto.Version{
		"Tarantool 1.6.7 (Binary)":                         {Major: 1, Minor: 6, Patch: 7},
		"Tarantool 2.6.0-0-g47aa4e01e (Binary) 7170b4af":   {Major: 2, Minor: 6, Patch: 0},
		"Tarantool 3.0.0-entrypoint-83-gbdd0a4a (Binary) ": {Major: 3, Minor: 0, Patch: 0},
		"Tarantool 2.10 (binary) x":                        {Major: 2, Minor: 10, Patch: 0},
	} {
		if g, err := DecodeGreeting(greeting(line, goodSalt)); err != nil || g.Version != version {
			t.Errorf("%q: %v, %v", line, g.Version, err)
		}
	}
	again, err := DecodeGreeting(AppendGreeting(nil, g))
	if err != nil || again != g {
		t.Errorf("written and read: %+v, %v", again, err)
	}
}

func TestDecodeGreetingRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":       {nil, ErrNotTarantool},
		"short":         {greeting("Tarantool 3.8.0 (Binary) x", goodSalt)[:127], ErrNotTarantool},
		"long":          {append(greeting("Tarantool 3.8.0 (Binary) x", goodSalt), ' '), ErrNotTarantool},
		"no name":       {greeting("Redis 3.8.0 (Binary) x", goodSalt), ErrNotTarantool},
		"no version":    {greeting("Tarantool", goodSalt), ErrNotTarantool},
		"a bad version": {greeting("Tarantool x.y (Binary) x", goodSalt), ErrNotTarantool},
		"no salt":       {greeting("Tarantool 3.8.0 (Binary) x", ""), ErrNotTarantool},
		"a short salt":  {greeting("Tarantool 3.8.0 (Binary) x", "QK2HoA=="), ErrNotTarantool},
		"a bad salt":    {greeting("Tarantool 3.8.0 (Binary) x", "?"), ErrNotTarantool},
		"the console":   {greeting("Tarantool 3.8.0 (Lua console)", "type 'help' for interactive help"), ErrConsole},
	} {
		if g, err := DecodeGreeting(test.b); !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
	for b, want := range map[string]bool{"": true, "T": true, "Tarantool ": true, "Tarantool 3": true, "t": false, "Tarantula": false, "HTTP/1.1": false} {
		if IsGreetingPrefix([]byte(b)) != want {
			t.Errorf("%q starts a greeting: %v", b, !want)
		}
	}
}

func TestFrameSize(t *testing.T) {
	for name, test := range map[string]struct {
		b    string
		head int
		size uint64
		bad  bool
	}{
		"nothing":       {"", 0, 0, false},
		"as sent":       {"ce00000005", 5, 5, false},
		"cut":           {"ce000000", 0, 0, false},
		"a fixint":      {"05", 1, 5, false},
		"a byte":        {"ccff", 2, 255, false},
		"a byte, cut":   {"cc", 0, 0, false},
		"two bytes":     {"cd0100", 3, 256, false},
		"eight bytes":   {"cf0000000100000000", 9, 1 << 32, false},
		"negative":      {"ff", 0, 0, true},
		"a signed form": {"d005", 0, 0, true},
		"a string":      {"a161", 0, 0, true},
		"never used":    {"c1", 0, 0, true},
	} {
		b, _ := hex.DecodeString(test.b)
		head, size, err := FrameSize(b)
		if head != test.head || size != test.size || (err != nil) != test.bad {
			t.Errorf("%s: %d, %d, %v", name, head, size, err)
		}
	}
	b := append(BeginFrame([]byte("xx")), "content"...)
	if err := EndFrame(b, 2); err != nil {
		t.Fatal(err)
	}
	if head, size, err := FrameSize(b[2:]); head != 5 || size != 7 || err != nil {
		t.Errorf("written and read: %d, %d, %v", head, size, err)
	}
}

func TestHeader(t *testing.T) {
	for _, h := range []Header{
		{Type: iproto.TypePing},
		{Type: iproto.TypeSelect, Sync: 1<<63 + 5},
		{Type: iproto.TypeInsert, Sync: 128, SchemaVersion: 251},
		{Type: iproto.TypeBegin, Sync: 70000, StreamID: 127},
		{Type: iproto.TypeCommit, Sync: 1 << 40, SchemaVersion: 1 << 20, StreamID: 128},
		{Type: iproto.TypeCommit, StreamID: 1 << 33},
	} {
		r := mp.NewReader(AppendRequestHeader(nil, h))
		if got, err := DecodeHeader(&r); got != h || err != nil || r.Len() != 0 {
			t.Errorf("%+v has become %+v, %v", h, got, err)
		}
		h.StreamID = 0
		r = mp.NewReader(AppendResponseHeader(nil, h))
		if got, err := DecodeHeader(&r); got != h || err != nil || r.Len() != 0 {
			t.Errorf("response %+v has become %+v, %v", h, got, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no map": "90", "cut": "8200", "a string as type": "8100a161", "a key alone": "81", "a string as key": "81a16101", "lying": "dfffffffff",
	} {
		b, _ := hex.DecodeString(text)
		r := mp.NewReader(b)
		if h, err := DecodeHeader(&r); err == nil {
			t.Errorf("%s: %+v", name, h)
		}
	}
	b, _ := hex.DecodeString("8302cd0100010563a161") // unknown and foreign keys
	r := mp.NewReader(b)
	if h, err := DecodeHeader(&r); h.Sync != 5 || err != nil {
		t.Errorf("with other keys: %+v, %v", h, err)
	}
}

func TestBody(t *testing.T) {
	w := NewBody([]byte("before"))
	w.Uint(iproto.KeySpaceID, 512)
	w.String(iproto.KeySpaceName, "name")
	w.Bool(iproto.KeyFetchPosition, true)
	w.Float(iproto.KeyTimeout, 1.5)
	w.Raw(iproto.KeyTuple, []byte{0x91, 0x05})
	out := w.End()
	var body Body
	if err := body.Decode(out[len("before"):]); err != nil {
		t.Fatal(err)
	}
	if body.Uint(iproto.KeySpaceID) != 512 || body.String(iproto.KeySpaceName) != "name" || !body.Bool(iproto.KeyFetchPosition) || body.Float(iproto.KeyTimeout) != 1.5 || !bytes.Equal(body.Raw(iproto.KeyTuple), []byte{0x91, 0x05}) {
		t.Errorf("written %x, read otherwise", out)
	}
	if body.Has(iproto.KeyKey) || body.Raw(iproto.KeyKey) != nil || body.Uint(iproto.KeyLimit) != 0 || body.String(iproto.KeyExpr) != "" || body.Float(iproto.KeyTimestamp) != 0 || body.Bool(iproto.KeyIsSync) {
		t.Error("what is absent is there")
	}
	r := body.Reader(iproto.KeyTuple)
	if r.ArrayLen() != 1 || r.Int() != 5 {
		t.Error("its reader reads something else")
	}
	if err := body.Decode(nil); err != nil || body.Has(iproto.KeySpaceID) {
		t.Errorf("an empty body: %v", err)
	}
}

func TestBodyRefuses(t *testing.T) {
	var field *FieldError
	for name, test := range map[string]struct {
		b     string
		field bool
	}{
		"a list":            {"90", false},
		"cut":               {"8110", false},
		"cut value":         {"81219201", false},
		"a lying map":       {"dfffffffff", false},
		"a string as space": {"8110a161", true},
		"a number as name":  {"815e05", true},
		"a map as tuple":    {"812180", true},
		"a list as error":   {"815290", true},
	} {
		b, _ := hex.DecodeString(test.b)
		var body Body
		if err := body.Decode(b); err == nil || errors.As(err, &field) != test.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"an unknown key": "817f05", "a large key": "81cd010005", "a string key": "81a16105", "binary as a string": "8135c40161", "an integer as timeout": "815605", "any event": "8158c0",
	} {
		b, _ := hex.DecodeString(text)
		var body Body
		if err := body.Decode(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScrambles(t *testing.T) {
	salt := [SaltSize]byte{1, 2, 3}
	hash := HashChapSHA1("s3cret")
	if !CheckChapSHA1(ChapSHA1("s3cret", salt), hash, salt) {
		t.Error("the right password is refused")
	}
	for name, scramble := range map[string][]byte{
		"another password": ChapSHA1("secret", salt), "another salt": ChapSHA1("s3cret", [SaltSize]byte{}), "nothing": nil, "short": ChapSHA1("s3cret", salt)[:19],
	} {
		if CheckChapSHA1(scramble, hash, salt) {
			t.Errorf("%s is taken", name)
		}
	}
	if HashPapSHA256("s3cret", []byte("salt")) == HashPapSHA256("s3cret", []byte("tlas")) {
		t.Error("the salt does not matter")
	}
}

// TestDecodeHeaderInItsFullWidth compares the header of a server with the same
// one in the shortest form.
func TestDecodeHeaderInItsFullWidth(t *testing.T) {
	want := Header{Type: iproto.TypeError | 3, Sync: 5<<40 | 7, SchemaVersion: 87}
	for name, b := range map[string][]byte{
		"full width": AppendResponseHeader(nil, want),
		"shortest":   AppendRequestHeader(nil, want),
	} {
		r := mp.NewReader(append(b, 0x80))
		if h, err := DecodeHeader(&r); h != want || err != nil || r.Len() != 1 || r.Offset() != len(b) {
			t.Errorf("%s: %+v, %v, %d bytes left", name, h, err, r.Len())
		}
		for n := range b {
			r := mp.NewReader(b[:n])
			if h, err := DecodeHeader(&r); err == nil {
				t.Errorf("%s: its first %d bytes are %+v", name, n, h)
			}
		}
	}
}

func BenchmarkDecodeHeader(b *testing.B) {
	h := Header{Sync: 5<<40 | 7, SchemaVersion: 87}
	for name, data := range map[string][]byte{"full width": AppendResponseHeader(nil, h), "shortest": AppendRequestHeader(nil, h)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := mp.NewReader(data)
				if _, err := DecodeHeader(&r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestHeaderOfLargeKey passes over a key that has no more than its low byte in
// common with one that is known.
func TestHeaderOfLargeKey(t *testing.T) {
	b := mp.AppendMapLen(nil, 2)
	b = mp.AppendUint(mp.AppendUint(b, uint64(iproto.KeySync)), 7)
	b = mp.AppendUint(mp.AppendUint(b, 0x100|uint64(iproto.KeySync)), 99)
	r := mp.NewReader(b)
	if h, err := DecodeHeader(&r); err != nil || h.Sync != 7 {
		t.Errorf("got %+v, %v", h, err)
	}
}
