package memtx

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"github.com/gotnt/tnt/internal/mp"
)

// AppendJSON appends the next value of a JSON document as MessagePack. Whole
// numbers become integers, and maps keep the order of their keys.
func AppendJSON(b []byte, d *json.Decoder) ([]byte, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		return appendJSONGroup(b, d, t)
	case bool:
		return mp.AppendBool(b, t), nil
	case string:
		return mp.AppendString(b, t), nil
	case json.Number:
		if u, err := strconv.ParseUint(t.String(), 10, 64); err == nil {
			return mp.AppendUint(b, u), nil
		}
		if i, err := t.Int64(); err == nil {
			return mp.AppendInt(b, i), nil
		}
		f, err := t.Float64()
		return mp.AppendFloat64(b, f), err
	case float64:
		return nil, errors.New("the JSON decoder must use numbers")
	}
	return mp.AppendNil(b), nil
}

func appendJSONGroup(b []byte, d *json.Decoder, open json.Delim) ([]byte, error) {
	var body []byte
	n := 0
	for ; d.More(); n++ {
		var err error
		if body, err = AppendJSON(body, d); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil && err != io.EOF {
		return nil, err
	}
	if open == '[' {
		b = mp.AppendArrayLen(b, n)
	} else {
		b = mp.AppendMapLen(b, n/2)
	}
	return append(b, body...), nil
}
