package mp

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// RawExt is an extension value of a type that is unknown here. Its data is
// the user's.
type RawExt struct {
	Type int8
	Data []byte
}

// extValue reads an extension as the Go value that stands for it.
func (r *Reader) extValue() any {
	typ, data := r.Ext()
	if r.err != nil {
		return nil
	}
	var v any
	var err error
	switch typ {
	case types.ExtDecimal:
		v, err = types.DecodeDecimal(data)
	case types.ExtUUID:
		v, err = types.DecodeUUID(data)
	case types.ExtDatetime:
		v, err = types.DecodeDatetime(data)
	case types.ExtInterval:
		v, err = types.DecodeInterval(data)
	case types.ExtError:
		v = r.errorValue(data)
	case types.ExtTuple:
		inner := r.tuple(data)
		v = inner.Value()
		r.end(&inner)
	default:
		v = RawExt{Type: typ, Data: append([]byte{}, data...)}
	}
	if err != nil {
		r.Fail(err)
	}
	if r.err != nil {
		return nil
	}
	return v
}

// tuple returns a Reader over the array in the data of an MP_TUPLE, which is
// the number of a format and that array.
func (r *Reader) tuple(data []byte) Reader {
	inner := r.nested(data)
	inner.Uint()
	if inner.err == nil && inner.Type() != TypeArray {
		inner.Fail(errors.New("msgpack: an MP_TUPLE holds no array"))
	}
	return inner
}

// inTuple reads an MP_TUPLE, whose array fn reads.
func (r *Reader) inTuple(fn func(inner *Reader)) {
	data := readExt(r, types.ExtTuple, func(data []byte) ([]byte, error) { return data, nil })
	inner := r.tuple(data)
	if inner.err == nil {
		fn(&inner)
	}
	r.end(&inner)
}

// readExt reads an extension of a type, by the function for its data.
func readExt[T any](r *Reader, want int8, decode func([]byte) (T, error)) (v T) {
	offset := r.Offset()
	typ, data := r.Ext()
	if r.err != nil {
		return v
	}
	if typ != want {
		r.Fail(fmt.Errorf("msgpack: expected an extension of type %d for %T at offset %d, got type %d", want, v, offset, typ))
		return v
	}
	v, err := decode(data)
	if err != nil {
		r.Fail(err)
	}
	return v
}

// AppendDecimal appends a decimal (MP_DECIMAL); for its error see
// types.AppendDecimal.
func AppendDecimal(b []byte, v decimal.Decimal) ([]byte, error) {
	var buf [64]byte
	data, err := types.AppendDecimal(buf[:0], v)
	if err != nil {
		return b, err
	}
	return AppendExt(b, types.ExtDecimal, data), nil
}

// AppendUUID appends a UUID (MP_UUID).
func AppendUUID(b []byte, v uuid.UUID) []byte { return AppendExt(b, types.ExtUUID, v[:]) }

// AppendDatetime appends a point in time (MP_DATETIME); for its error see
// types.AppendDatetime.
func AppendDatetime(b []byte, v time.Time) ([]byte, error) {
	var buf [16]byte
	data, err := types.AppendDatetime(buf[:0], v)
	if err != nil {
		return b, err
	}
	return AppendExt(b, types.ExtDatetime, data), nil
}

// AppendInterval appends an interval (MP_INTERVAL); for its error see
// types.AppendInterval.
func AppendInterval(b []byte, v types.Interval) ([]byte, error) {
	var buf [96]byte
	data, err := types.AppendInterval(buf[:0], v)
	if err != nil {
		return b, err
	}
	return AppendExt(b, types.ExtInterval, data), nil
}
