package memtx

import (
	"strings"

	"github.com/gotnt/tnt/internal/mp"
)

// FieldType is the type of a field in a format, or of a part of a key.
type FieldType uint8

// The types of fields.
const (
	TypeAny FieldType = iota
	TypeUnsigned
	TypeString
	TypeNumber
	TypeDouble
	TypeInteger
	TypeBoolean
	TypeVarbinary
	TypeScalar
	TypeDecimal
	TypeUUID
	TypeDatetime
	TypeInterval
	TypeArray
	TypeMap
	TypeInt8
	TypeUint8
	TypeInt16
	TypeUint16
	TypeInt32
	TypeUint32
	TypeInt64
	TypeUint64
	TypeFloat32
	TypeFloat64
	fieldTypeMax
)

// fieldTypes tells of each type its name and the values it holds: a bit for
// each kind of MessagePack and one for each type of extension.
var fieldTypes = [fieldTypeMax]struct {
	name  string
	kinds uint16
	exts  uint16
}{
	TypeAny:       {"any", 0xffff, 0xffff},
	TypeUnsigned:  {"unsigned", kindUint, 0},
	TypeString:    {"string", 1 << mp.TypeString, 0},
	TypeNumber:    {"number", kindNumber, 1 << extDecimal},
	TypeDouble:    {"double", kindNumber, 0},
	TypeInteger:   {"integer", kindInt, 0},
	TypeBoolean:   {"boolean", 1 << mp.TypeBool, 0},
	TypeVarbinary: {"varbinary", 1 << mp.TypeBinary, 0},
	TypeScalar: {
		"scalar", kindNumber | 1<<mp.TypeString | 1<<mp.TypeBinary | 1<<mp.TypeBool,
		1<<extDecimal | 1<<extUUID | 1<<extDatetime,
	},
	TypeDecimal:  {"decimal", 0, 1 << extDecimal},
	TypeUUID:     {"uuid", 0, 1 << extUUID},
	TypeDatetime: {"datetime", 0, 1 << extDatetime},
	TypeInterval: {"interval", 0, 1 << extInterval},
	TypeArray:    {"array", 1 << mp.TypeArray, 0},
	TypeMap:      {"map", 1 << mp.TypeMap, 0},
	TypeInt8:     {"int8", kindInt, 0},
	TypeUint8:    {"uint8", kindUint, 0},
	TypeInt16:    {"int16", kindInt, 0},
	TypeUint16:   {"uint16", kindUint, 0},
	TypeInt32:    {"int32", kindInt, 0},
	TypeUint32:   {"uint32", kindUint, 0},
	TypeInt64:    {"int64", kindInt, 0},
	TypeUint64:   {"uint64", kindUint, 0},
	TypeFloat32:  {"float32", 1 << mp.TypeFloat32, 0},
	TypeFloat64:  {"float64", 1 << mp.TypeFloat64, 0},
}

const (
	kindUint   = 1 << mp.TypeUint
	kindInt    = kindUint | 1<<mp.TypeInt
	kindNumber = kindInt | 1<<mp.TypeFloat32 | 1<<mp.TypeFloat64
)

// String returns the name of the type in formats.
func (t FieldType) String() string { return fieldTypes[t].name }

// ParseFieldType finds a type by its name in any case, as Tarantool does;
// "str", "num", "int", "uint", "bool" and "*" are its old names.
func ParseFieldType(name string) (FieldType, bool) {
	name = strings.ToLower(name)
	for t := range fieldTypes {
		if fieldTypes[t].name == name {
			return FieldType(t), true
		}
	}
	switch name {
	case "str":
		return TypeString, true
	case "num", "uint":
		return TypeUnsigned, true
	case "int":
		return TypeInteger, true
	case "bool":
		return TypeBoolean, true
	case "*":
		return TypeAny, true
	}
	return 0, false
}

// accepts reports whether a field of the type can hold the value.
func (t FieldType) accepts(value []byte, nullable bool) bool {
	kind := typeOf(value)
	if kind == mp.TypeExt {
		ext, _ := extension(value)
		return 0 < ext && ext < 16 && fieldTypes[t].exts&(1<<ext) != 0
	}
	return fieldTypes[t].kinds&(1<<kind) != 0 || nullable && kind == mp.TypeNil
}

// contains reports whether every value of type u is one of type t.
func (t FieldType) contains(u FieldType) bool {
	if t == u || t == TypeAny {
		return true
	}
	if u == TypeAny {
		return false
	}
	a, b := fieldTypes[t], fieldTypes[u]
	if b.kinds&^a.kinds != 0 || b.exts&^a.exts != 0 {
		return false
	}
	loA, hiA, fixedA := t.bounds()
	loB, hiB, fixedB := u.bounds()
	if !fixedA {
		return true
	}
	return fixedB && !less(loB, loA) && !less(hiA, hiB)
}

// indexable reports whether a key can have parts of the type.
func (t FieldType) indexable() bool {
	switch t {
	case TypeAny, TypeInterval, TypeArray, TypeMap:
		return false
	}
	return true
}

// bounds returns the range of an integer type of fixed size.
func (t FieldType) bounds() (lo, hi integer, ok bool) {
	signed := func(bits uint) (integer, integer, bool) {
		return integer{neg: true, abs: -(uint64(1) << (bits - 1))}, integer{abs: 1<<(bits-1) - 1}, true
	}
	unsigned := func(bits uint) (integer, integer, bool) {
		return integer{}, integer{abs: ^uint64(0) >> (64 - bits)}, true
	}
	switch t {
	case TypeInt8:
		return signed(8)
	case TypeUint8:
		return unsigned(8)
	case TypeInt16:
		return signed(16)
	case TypeUint16:
		return unsigned(16)
	case TypeInt32:
		return signed(32)
	case TypeUint32:
		return unsigned(32)
	case TypeInt64:
		return signed(64)
	case TypeUint64:
		return unsigned(64)
	}
	return integer{}, integer{}, false
}

// less reports whether a is below b.
func less(a, b integer) bool {
	if a.neg != b.neg {
		return a.neg
	}
	return a.abs < b.abs // two's complement keeps the order
}

// kindName returns the name that errors have for the kind of a value.
func kindName(value []byte) string {
	return [...]string{
		mp.TypeNil: "nil", mp.TypeBool: "boolean", mp.TypeUint: "unsigned", mp.TypeInt: "integer",
		mp.TypeFloat32: "float", mp.TypeFloat64: "double", mp.TypeString: "string",
		mp.TypeBinary: "blob", mp.TypeArray: "array", mp.TypeMap: "map", mp.TypeExt: "extension",
	}[typeOf(value)]
}
