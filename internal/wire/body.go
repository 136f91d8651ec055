package wire

import (
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// Body is a decoded body: where the value of each key stands. It points into
// the bytes it was decoded from.
type Body struct {
	b     []byte
	spans [keyMax]span
}

type span struct{ start, end uint32 } // end 0: absent, as no value starts a body

// A FieldError reports a body's value that is not of its key's type.
type FieldError struct {
	Key  iproto.Key
	Want mp.Type
	Got  mp.Type
}

// Error says the key, what it holds and what it should hold.
func (e *FieldError) Error() string {
	return fmt.Sprintf("iproto: IPROTO_%v is %v, expected %v", e.Key, e.Got, e.Want)
}

// Decode reads a body, which may be empty. Unknown keys are passed over. It
// returns a *FieldError where a value is not of its key's type.
func (body *Body) Decode(b []byte) error {
	*body = Body{b: b}
	if len(b) == 0 {
		return nil
	}
	r := mp.NewReader(b)
	for n := r.MapLen(); n > 0; n-- {
		if r.Type() != mp.TypeUint {
			r.Skip()
			r.Skip()
			continue
		}
		k := r.Uint()
		typ := r.Type()
		start := r.Offset()
		r.Skip()
		if err := r.Err(); err != nil {
			return fmt.Errorf("iproto: invalid body: %w", err)
		}
		if k >= uint64(keyMax) {
			continue
		}
		if want := keyTypes[k]; want != mp.TypeInvalid && want != typ && !alsoTakes(want, typ) {
			return &FieldError{Key: iproto.Key(k), Want: want, Got: typ}
		}
		body.spans[k] = span{uint32(start), uint32(r.Offset())}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("iproto: invalid body: %w", err)
	}
	return nil
}

// DataOffset is where IPROTO_DATA stands in a body that begins with it.
const DataOffset = 2

// BeginsWithData reports whether IPROTO_DATA is the first of a body's values, as
// it is in nearly every answer that has it.
func BeginsWithData(b []byte) bool {
	return len(b) > DataOffset && 0x80 < b[0] && b[0] <= 0x8f && b[1] == byte(iproto.KeyData)
}

// alsoTakes tells of values that differ from their key's type and are sent
// all the same: numbers for a timeout, an MP_TUPLE for an array.
func alsoTakes(want, got mp.Type) bool {
	switch want {
	case mp.TypeFloat64:
		return got == mp.TypeUint || got == mp.TypeInt || got == mp.TypeFloat32
	case mp.TypeArray:
		return got == mp.TypeExt
	case mp.TypeString:
		return got == mp.TypeBinary
	}
	return false
}

// Has reports whether the body has the key.
func (body *Body) Has(k iproto.Key) bool { return body.spans[k].end != 0 }

// Raw returns the value of the key as MessagePack, nil where it is absent.
func (body *Body) Raw(k iproto.Key) []byte {
	s := body.spans[k]
	if s.end == 0 {
		return nil
	}
	return body.b[s.start:s.end:s.end]
}

// Reader returns a reader over the value of the key.
func (body *Body) Reader(k iproto.Key) mp.Reader { return mp.NewReader(body.Raw(k)) }

// Uint returns the number at the key, 0 where it is absent.
func (body *Body) Uint(k iproto.Key) uint64 {
	if !body.Has(k) {
		return 0
	}
	r := body.Reader(k)
	return r.Uint()
}

// Float returns the number at the key, 0 where it is absent.
func (body *Body) Float(k iproto.Key) float64 {
	if !body.Has(k) {
		return 0
	}
	r := body.Reader(k)
	return r.Float64()
}

// Bool returns the boolean at the key, false where it is absent.
func (body *Body) Bool(k iproto.Key) bool {
	if !body.Has(k) {
		return false
	}
	r := body.Reader(k)
	return r.Bool()
}

// String returns the string or binary data at the key, "" where it is absent.
func (body *Body) String(k iproto.Key) string {
	if !body.Has(k) {
		return ""
	}
	r := body.Reader(k)
	if r.Type() == mp.TypeBinary {
		return string(r.Binary())
	}
	return r.String()
}

// BodyWriter appends a body of at most 15 pairs to B and counts them. After
// Key, the caller appends the value to B.
type BodyWriter struct {
	B     []byte
	start int
	pairs byte
}

// NewBody starts a body at the end of b.
func NewBody(b []byte) BodyWriter {
	return BodyWriter{B: append(b, 0x80), start: len(b)}
}

// End returns the bytes with the body complete.
func (w *BodyWriter) End() []byte {
	w.B[w.start] = 0x80 | w.pairs
	return w.B
}

// Key appends a key, whose value the caller appends to B.
func (w *BodyWriter) Key(k iproto.Key) {
	w.B = append(w.B, byte(k))
	w.pairs++
}

// Uint appends a key and a number.
func (w *BodyWriter) Uint(k iproto.Key, v uint64) {
	w.pairs++
	w.B = mp.AppendUint(append(w.B, byte(k)), v)
}

// String appends a key and a string.
func (w *BodyWriter) String(k iproto.Key, v string) {
	w.Key(k)
	w.B = mp.AppendString(w.B, v)
}

// Bool appends a key and a boolean.
func (w *BodyWriter) Bool(k iproto.Key, v bool) {
	w.Key(k)
	w.B = mp.AppendBool(w.B, v)
}

// Float appends a key and a double.
func (w *BodyWriter) Float(k iproto.Key, v float64) {
	w.Key(k)
	w.B = mp.AppendFloat64(w.B, v)
}

// Raw appends a key and a value that is MessagePack already.
func (w *BodyWriter) Raw(k iproto.Key, v []byte) {
	w.Key(k)
	w.B = append(w.B, v...)
}
