package memtx

import (
	"fmt"
	"strconv"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// updateOp is one operation of an UPDATE or UPSERT.
type updateOp struct {
	code byte
	// Where it points to: a number, or the current token of a path.
	path     pathLexer // src nil: the field is given by its number
	token    tokenKind
	fieldNo  int32
	key      []byte
	consumed bool // the token was used: the next one is to be read
	forRoot  bool // the whole path is one field of the tuple

	value  []byte // = !
	count  int    // #
	arith  scalar // + -
	bits   uint64 // & | ^
	offset int32  // :
	cut    int32
	paste  []byte
}

// maxUpdateOps is BOX_UPDATE_OP_CNT_MAX.
const maxUpdateOps = 4000

// field names the field of the operation in errors.
func (op *updateOp) field() string {
	switch {
	case op.path.src != nil:
		return "'" + string(op.path.src) + "'"
	case op.fieldNo >= 0:
		return strconv.Itoa(int(op.fieldNo) + 1)
	}
	return strconv.Itoa(int(op.fieldNo))
}

func (op *updateOp) errf(format string, args ...any) *Error {
	return Errorf(errcode.UpdateField, "Field %s UPDATE error: %s", op.field(), fmt.Sprintf(format, args...))
}

func (op *updateOp) errArgType(needed string) *Error {
	return Errorf(errcode.UpdateArgType, "Argument type in operation '%c' on field %s does not match field type: expected %s",
		op.code, op.field(), needed)
}

func (op *updateOp) errSplice() *Error {
	return Errorf(errcode.UpdateSplice, "SPLICE error on field %s: offset is out of bound", op.field())
}

func (op *updateOp) errBadPath(at int) *Error { return op.errf("invalid JSON in position %d", at) }

func (op *updateOp) errNoSuchField() *Error {
	if op.path.src != nil {
		return Errorf(errcode.NoSuchFieldName, "Field '%s' was not found in the tuple", op.field())
	}
	n := op.fieldNo
	if n >= 0 {
		n++
	}
	return Errorf(errcode.NoSuchFieldNo, "Field %d was not found in the tuple", n)
}

// last reports whether the current token is the last of the path.
func (op *updateOp) last() bool { return op.path.eof() }

// scalarOp tells of operations that change a value and not what holds it.
func (op *updateOp) scalarOp() bool { return op.code != '=' && op.code != '!' && op.code != '#' }

// nextToken reads the next token of the path.
func (op *updateOp) nextToken() *Error {
	t, bad := op.path.next()
	if bad != 0 {
		return op.errBadPath(bad)
	}
	if t.kind == tokenEnd {
		return op.errNoSuchField()
	}
	op.setToken(t)
	return nil
}

func (op *updateOp) setToken(t pathToken) {
	op.consumed, op.token, op.fieldNo, op.key = false, t.kind, t.num, t.str
}

// readOps decodes the operations.
func (f *format) readOps(b []byte, base int) ([]*updateOp, *Error) {
	list, count := few(b, maxUpdateOps)
	if count > maxUpdateOps {
		return nil, IllegalParams("too many operations for update")
	}
	ops := make([]*updateOp, len(list))
	for i, v := range list {
		op, err := f.readOp(v, i+1, base)
		if err != nil {
			return nil, err
		}
		ops[i] = op
	}
	return ops, nil
}

func (f *format) readOp(v []byte, num, base int) (*updateOp, *Error) {
	if typeOf(v) != mp.TypeArray {
		return nil, IllegalParams("update operation must be an array {op,..}")
	}
	count, rest := array(v)
	if count == 0 {
		return nil, IllegalParams("update operation must be an array {op,..}, got empty array")
	}
	if typeOf(rest) != mp.TypeString {
		return nil, IllegalParams("update operation name must be a string")
	}
	code := text(rest)
	want := 3
	switch string(code) {
	case "=", "!", "#", "+", "-", "&", "|", "^":
	case ":":
		want = 5
	default:
		return nil, Errorf(errcode.UnknownUpdateOp, "Unknown UPDATE operation #%d: \"%s\"", num, code)
	}
	if count != want {
		return nil, Errorf(errcode.UnknownUpdateOp, "Unknown UPDATE operation #%d: wrong number of arguments, expected %d, got %d",
			num, want, count)
	}
	args := elements(v)
	op := &updateOp{code: code[0]}
	if err := f.readOpField(op, args[1], base); err != nil {
		return nil, err
	}
	if err := op.readArgs(args[2:], base); err != nil {
		return nil, err
	}
	return op, nil
}

// readOpField decodes what an operation points to.
func (f *format) readOpField(op *updateOp, v []byte, base int) *Error {
	switch typeOf(v) {
	case mp.TypeUint, mp.TypeInt:
		op.forRoot = true
		n, ok := readInt32(v)
		switch {
		case !ok:
			return op.errArgType("an integer")
		case int(n)-base >= 0:
			op.fieldNo = n - int32(base)
		case n < 0:
			op.fieldNo = n
		default:
			return Errorf(errcode.NoSuchFieldNo, "Field %d was not found in the tuple", n)
		}
		return nil
	case mp.TypeString:
		return f.readOpPath(op, text(v))
	}
	return IllegalParams("field id must be a number or a string")
}

func (f *format) readOpPath(op *updateOp, path []byte) *Error {
	op.path.src = path
	if op.path.src == nil {
		op.path.src = []byte{}
	}
	if i, ok := f.fieldNumber(path); ok {
		op.fieldNo, op.path.offset, op.forRoot = int32(i), len(path), true
		return nil
	}
	t, bad := op.path.next()
	if bad != 0 {
		return op.errBadPath(bad)
	}
	switch i, ok := f.fieldNumber(t.str); {
	case t.kind == tokenNum:
		op.fieldNo = t.num
	case t.kind == tokenStr && ok:
		op.fieldNo = int32(i)
	default:
		return Errorf(errcode.NoSuchFieldName, "Field '%s' was not found in the tuple", path)
	}
	op.forRoot = op.path.eof()
	return nil
}

// readArgs decodes the arguments of an operation.
func (op *updateOp) readArgs(args [][]byte, base int) *Error {
	v := args[0]
	switch op.code {
	case '=', '!':
		op.value = v
	case '#':
		if typeOf(v) != mp.TypeUint {
			return op.errArgType("a positive integer")
		}
		if op.count = int(uint32(readInteger(v).abs)); op.count == 0 {
			return op.errf("cannot delete 0 fields")
		}
	case '+', '-':
		if op.arith = readScalar(v); !op.arith.isNumber() {
			return op.errArgType("a number")
		}
	case '&', '|', '^':
		if typeOf(v) != mp.TypeUint {
			return op.errArgType("a positive integer")
		}
		op.bits = readInteger(v).abs
	case ':':
		return op.readSplice(args, base)
	}
	return nil
}

func (op *updateOp) readSplice(args [][]byte, base int) *Error {
	var ok bool
	if op.offset, ok = readInt32(args[0]); !ok {
		return op.errArgType("an integer")
	}
	if op.offset >= 0 {
		if op.offset -= int32(base); op.offset < 0 {
			return op.errSplice()
		}
	}
	if op.cut, ok = readInt32(args[1]); !ok {
		return op.errArgType("an integer")
	}
	if t := typeOf(args[2]); t != mp.TypeString && t != mp.TypeBinary {
		return op.errArgType("a string or varbinary")
	}
	op.paste = text(args[2])
	return nil
}
