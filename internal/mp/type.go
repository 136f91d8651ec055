package mp

// Type is the kind of a MessagePack value, told by its first byte.
type Type uint8

// The kinds of values. Int stands for negative integers and for positive ones
// in a signed form.
const (
	TypeInvalid Type = iota // no byte at all, or 0xc1, which is never used
	TypeNil
	TypeBool
	TypeUint
	TypeInt
	TypeFloat32
	TypeFloat64
	TypeString
	TypeBinary
	TypeArray
	TypeMap
	TypeExt
)

var typeNames = [...]string{
	"no value", "nil", "boolean", "unsigned integer", "integer", "float",
	"double", "string", "binary", "array", "map", "extension",
}

// String returns the kind in words, for messages.
func (t Type) String() string { return typeNames[t] }

// Article returns the kind in words with its article.
func (t Type) Article() string {
	switch t {
	case TypeInvalid, TypeNil:
		return t.String()
	case TypeUint, TypeInt, TypeArray, TypeExt:
		return "an " + t.String()
	}
	return "a " + t.String()
}

// TypeOf returns the kind of value that starts with byte c.
func TypeOf(c byte) Type { return kinds[c] }

var kinds = func() (t [256]Type) {
	for c := range t {
		t[c] = typeOf(byte(c))
	}
	return t
}()

func typeOf(c byte) Type {
	switch {
	case c < 0x80, 0xcc <= c && c <= 0xcf:
		return TypeUint
	case c < 0x90, c == 0xde, c == 0xdf:
		return TypeMap
	case c < 0xa0, c == 0xdc, c == 0xdd:
		return TypeArray
	case c < 0xc0, 0xd9 <= c && c <= 0xdb:
		return TypeString
	case c == 0xc0:
		return TypeNil
	case c == 0xc2, c == 0xc3:
		return TypeBool
	case 0xc4 <= c && c <= 0xc6:
		return TypeBinary
	case 0xc7 <= c && c <= 0xc9, 0xd4 <= c && c <= 0xd8:
		return TypeExt
	case c == 0xca:
		return TypeFloat32
	case c == 0xcb:
		return TypeFloat64
	case 0xd0 <= c && c <= 0xd3, c >= 0xe0:
		return TypeInt
	}
	return TypeInvalid
}
