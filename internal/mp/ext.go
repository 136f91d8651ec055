package mp

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

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
		v = r.tupleValue(data)
	default:
		v = types.Extension{Type: typ, Data: append([]byte{}, data...)}
	}
	if err != nil {
		r.Fail(err)
	}
	if r.err != nil {
		return nil
	}
	return v
}

// tupleValue reads the data of an MP_TUPLE: as a tuple with its names where they
// came with it, and else as a list.
func (r *Reader) tupleValue(data []byte) any {
	inner, f := r.tuple(data)
	if f == nil || tupleType == nil {
		v := inner.Value()
		r.end(&inner)
		return v
	}
	array := inner.Raw()
	r.end(&inner)
	return tupleType.Make(append([]byte(nil), array...), f, r.settings)
}

// readExt reads an extension of a type, by the function for its data.
func readExt[T any](r *Reader, want int8, decode func([]byte) (T, error)) (v T) {
	offset := r.Offset()
	typ, data := r.Ext()
	if r.err != nil {
		return v
	}
	if typ != want {
		r.Fail(fmt.Errorf("msgpack: expected %s at offset %d, got %s", extName(want), offset, strings.TrimSuffix(extName(typ), ",")))
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

var extNames = map[int8]string{
	types.ExtDecimal: "a decimal", types.ExtUUID: "a uuid", types.ExtError: "an error", types.ExtDatetime: "a datetime",
	types.ExtInterval: "an interval", types.ExtTuple: "a tuple",
}

// extName returns what an extension of a type is, for messages.
func extName(typ int8) string {
	if name, ok := extNames[typ]; ok {
		return "an extension of type " + strconv.Itoa(int(typ)) + ", " + name + ","
	}
	return "an extension of type " + strconv.Itoa(int(typ))
}
