package vshard

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/types"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errNoBuckets = errors.New("vshard: the number of buckets is 0")
	errNoKey     = errors.New("vshard: there is no sharding key")
)

// StrCRC32 returns the bucket of a sharding key, of several values where it has
// several parts, as vshard.router.bucket_id_strcrc32 does: by what Lua's
// tostring makes of them. It fails for values of other types than nil (as a
// part), bool, numbers, strings, []byte, decimals, UUIDs and times in UTC.
//
// Beware of numbers: 5 and 5.0 have one text, as for Lua, but an integer from
// 1e14 on has another than the float.
func StrCRC32(buckets uint32, key ...any) (uint32, error) {
	return hash(buckets, key, appendText)
}

// MPCRC32 returns the bucket of a sharding key, of several values where it has
// several parts, as vshard.router.bucket_id_mpcrc32 does: by their MessagePack,
// where strings have no head. For the types see StrCRC32; times may be in any
// zone.
func MPCRC32(buckets uint32, key ...any) (uint32, error) {
	return hash(buckets, key, appendPacked)
}

func hash(buckets uint32, key []any, form func([]byte, any) ([]byte, error)) (uint32, error) {
	if buckets == 0 {
		return 0, errNoBuckets
	}
	whole := len(key) == 1
	if whole {
		if parts, ok := key[0].([]any); ok {
			key, whole = parts, false
		}
	} else if len(key) == 0 {
		return 0, errNoKey
	}
	if whole && key[0] == nil {
		return 0, errNoKey
	}
	var b []byte
	var err error
	for _, v := range key {
		if b, err = form(b, v); err != nil {
			return 0, err
		}
	}
	// Without the final inversion that Go's has.
	return ^crc32.Checksum(b, castagnoli)%buckets + 1, nil
}

// fromBig is where Tarantool gives Lua an integer as a 64-bit one, whose text
// says so.
const fromBig = 100_000_000_000_000

// appendText appends what Lua's tostring makes of a value that came over the
// network.
func appendText(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "cdata<void *>: NULL"...), nil
	case string:
		return append(b, v...), nil
	case []byte:
		return append(b, v...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case decimal.Decimal:
		return append(b, types.FormatDecimal(v)...), nil
	case uuid.UUID:
		return append(b, v.String()...), nil
	case time.Time:
		return appendTime(b, v)
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return appendInt(b, r.Int()), nil
	case r.CanUint():
		return appendUint(b, r.Uint()), nil
	case r.CanFloat():
		return appendFloat(b, r.Float()), nil
	case r.Kind() == reflect.String:
		return append(b, r.String()...), nil
	}
	return b, fmt.Errorf("vshard: a %T has no place in a sharding key", v)
}

func appendInt(b []byte, v int64) []byte {
	if v >= 0 {
		return appendUint(b, uint64(v))
	}
	b = strconv.AppendInt(b, v, 10)
	if v <= -fromBig {
		b = append(b, "LL"...)
	}
	return b
}

func appendUint(b []byte, v uint64) []byte {
	b = strconv.AppendUint(b, v, 10)
	if v >= fromBig {
		b = append(b, "ULL"...)
	}
	return b
}

// appendTime appends a datetime in UTC as Lua prints it: with as many decimals,
// in threes, as it takes.
func appendTime(b []byte, t time.Time) ([]byte, error) {
	if t.Location() != time.UTC {
		return b, errors.New("vshard: the text of a time that is not in UTC depends on Tarantool's version")
	}
	layout := "2006-01-02T15:04:05"
	switch ns := t.Nanosecond(); {
	case ns == 0:
	case ns%1e6 == 0:
		layout += ".000"
	case ns%1e3 == 0:
		layout += ".000000"
	default:
		layout += ".000000000"
	}
	return t.AppendFormat(b, layout+"Z"), nil
}

// digits is how many of them LuaJIT prints of a number.
const digits = 14

// appendFloat appends a number as LuaJIT prints it: by %.14g, but with ties
// rounded up, where Go and C round them to even.
func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, "nan"...)
	case math.IsInf(v, 1):
		return append(b, "inf"...)
	case math.IsInf(v, -1):
		return append(b, "-inf"...)
	}
	if math.Signbit(v) {
		b, v = append(b, '-'), -v
	}
	if v == 0 {
		return append(b, '0')
	}
	mantissa, exponent := roundUp(v)
	mantissa = strings.TrimRight(mantissa, "0")
	switch {
	case exponent < -4 || exponent >= digits:
		b = append(b, mantissa[0])
		if len(mantissa) > 1 {
			b = append(append(b, '.'), mantissa[1:]...)
		}
		return fmt.Appendf(b, "e%+03d", exponent)
	case exponent < 0:
		b = append(b, "0."...)
		b = append(b, strings.Repeat("0", -exponent-1)...)
		return append(b, mantissa...)
	case len(mantissa) <= exponent+1:
		b = append(b, mantissa...)
		return append(b, strings.Repeat("0", exponent+1-len(mantissa))...)
	}
	b = append(b, mantissa[:exponent+1]...)
	return append(append(b, '.'), mantissa[exponent+1:]...)
}

// roundUp returns the first digits of a positive number and its exponent of 10.
func roundUp(v float64) (string, int) {
	const exact = 767 // no float64 has more significant digits
	text := strconv.FormatFloat(v, 'e', exact, 64)
	mantissa, power, _ := strings.Cut(text, "e")
	exponent, _ := strconv.Atoi(power)
	all := mantissa[:1] + mantissa[2:]
	kept := []byte(all[:digits])
	if all[digits] < '5' {
		return string(kept), exponent
	}
	for i := digits - 1; ; i-- {
		if i < 0 {
			return "1" + string(kept[:digits-1]), exponent + 1
		}
		if kept[i] < '9' {
			kept[i]++
			return string(kept), exponent
		}
		kept[i] = '0'
	}
}

// appendPacked appends a value as MessagePack in the form that Tarantool would
// write it in: whole numbers as the smallest integer, strings without a head.
func appendPacked(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return append(b, v...), nil
	case []byte:
		return append(b, v...), nil
	case nil, bool, decimal.Decimal, uuid.UUID, time.Time:
		return mp.AppendValue(b, v)
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return mp.AppendInt(b, r.Int()), nil
	case r.CanUint():
		return mp.AppendUint(b, r.Uint()), nil
	case r.CanFloat():
		return appendPackedFloat(b, r.Float()), nil
	case r.Kind() == reflect.String:
		return append(b, r.String()...), nil
	}
	return b, fmt.Errorf("vshard: a %T has no place in a sharding key", v)
}

func appendPackedFloat(b []byte, v float64) []byte {
	switch {
	case v != math.Trunc(v) || v < -(1<<63) || v >= 1<<64: // NaN too
		return mp.AppendFloat64(b, v)
	case v < 0:
		return mp.AppendInt(b, int64(v))
	}
	return mp.AppendUint(b, uint64(v))
}
