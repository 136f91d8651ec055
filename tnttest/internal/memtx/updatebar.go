package memtx

import (
	"bytes"

	"github.com/gotnt/tnt/internal/mp"
)

// makeBar carries out the first operation whose path leads into a value.
func (n *updateNode) makeBar(op *updateOp) *Error {
	bar := updateNode{kind: nodeBar, data: n.data, op: op, path: op.path.src[op.path.offset:]}
	var err *Error
	switch op.code {
	case '=', '!':
		err = bar.locateOrAdd(op)
	case '#':
		err = bar.locateDeletion(op)
	default:
		if _, _, err = bar.locate(op); err == nil {
			bar.scalar = readScalar(bar.data[bar.point:])
			err = bar.scalar.change(op)
		}
	}
	if err == nil {
		*n = bar
	}
	return err
}

// step goes one token further from an offset of the data.
func (n *updateNode) step(at int, t pathToken) (to, keyAt int, ok bool) {
	if t.kind == tokenNum {
		to, ok = goToIndex(n.data, at, t.num)
		return to, 0, ok
	}
	return goToKey(n.data, at, t.str)
}

func (n *updateNode) setPoint(at int) {
	v, _ := next(n.data[at:])
	n.point, n.pointEnd = at, at+len(v)
}

// locate finds the point of an operation that has to be there.
func (n *updateNode) locate(op *updateOp) (index int32, keyAt int, err *Error) {
	at := 0
	for {
		t, bad := op.path.next()
		switch {
		case bad != 0:
			return 0, 0, op.errBadPath(bad)
		case t.kind == tokenEnd:
			n.setPoint(at)
			return index, keyAt, nil
		case t.kind == tokenAny:
			return 0, 0, op.errBadPath(op.path.symbols - 1)
		}
		n.holder = at
		if t.kind == tokenNum {
			index = t.num
		}
		to, k, ok := n.step(at, t)
		if !ok {
			return 0, 0, op.errNoSuchField()
		}
		at, keyAt = to, k
	}
}

func (n *updateNode) locateDeletion(op *updateOp) *Error {
	index, keyAt, err := n.locate(op)
	if err != nil {
		return err
	}
	if typeOf(n.data[n.holder:]) != mp.TypeArray {
		if op.count != 1 {
			return op.errf("can delete only 1 field from a map in a row")
		}
		if keyAt != 0 {
			n.point = keyAt
		}
		return nil
	}
	size, _ := array(n.data[n.holder:])
	op.count = min(op.count, size-int(index))
	for i := 1; i < op.count; i++ {
		v, _ := next(n.data[n.pointEnd:])
		n.pointEnd += len(v)
	}
	return nil
}

// locateOrAdd finds the point of an operation whose last step may lead to a
// value that is not there yet.
func (n *updateNode) locateOrAdd(op *updateOp) *Error {
	at := 0
	for {
		t, bad := op.path.next()
		switch {
		case bad != 0:
			return op.errBadPath(bad)
		case t.kind == tokenEnd:
			n.setPoint(at)
			if op.code == '!' && typeOf(n.data[n.holder:]) == mp.TypeMap {
				return op.errf("the key exists already")
			}
			return nil
		case t.kind == tokenAny:
			return op.errBadPath(op.path.symbols - 1)
		}
		n.holder = at
		to, _, ok := n.step(at, t)
		if !ok {
			return n.locateNew(op, t)
		}
		at = to
	}
}

// locateNew settles where a new value goes.
func (n *updateNode) locateNew(op *updateOp, last pathToken) *Error {
	t, bad := op.path.next()
	if bad != 0 {
		return op.errBadPath(bad)
	}
	if t.kind != tokenEnd {
		return op.errNoSuchField()
	}
	holder := n.data[n.holder:]
	if last.kind == tokenStr {
		if typeOf(holder) != mp.TypeMap {
			return op.errf("can not access by key a non-map field")
		}
		n.newKey = last.str
	} else {
		if typeOf(holder) != mp.TypeArray {
			return op.errf("can not access by index a non-array field")
		}
		if size, _ := array(holder); int(last.num) > size {
			return op.errNoSuchField()
		}
		n.setPoint(n.holder)
		n.point = n.pointEnd
	}
	op.code = '!'
	return nil
}

// appendBar writes the value with its one change.
func (n *updateNode) appendBar(b []byte) []byte {
	op := n.op
	switch op.code {
	case '!', '#':
	case '=':
		b = append(b, n.data[:n.point]...)
		b = append(b, op.value...)
		return append(b, n.data[n.pointEnd:]...)
	default:
		b = append(b, n.data[:n.point]...)
		b = n.scalar.append(b, TypeAny)
		return append(b, n.data[n.pointEnd:]...)
	}
	b = append(b, n.data[:n.holder]...)
	isArray := typeOf(n.data[n.holder:]) == mp.TypeArray
	var size int
	var rest []byte
	if isArray {
		size, rest = array(n.data[n.holder:])
	} else {
		size, rest = mapping(n.data[n.holder:])
	}
	body := len(n.data) - len(rest)
	switch {
	case op.code == '#' && isArray:
		b = mp.AppendArrayLen(b, size-op.count)
	case op.code == '#':
		b = mp.AppendMapLen(b, size-1)
	case isArray:
		b = mp.AppendArrayLen(b, size+1)
	default: // a new pair goes first
		b = mp.AppendMapLen(b, size+1)
		b = mp.AppendStringBytes(b, n.newKey)
		b = append(b, op.value...)
		return append(b, rest...)
	}
	b = append(b, n.data[body:n.point]...)
	if op.code == '!' {
		b = append(b, op.value...)
		return append(b, n.data[n.point:]...)
	}
	return append(b, n.data[n.pointEnd:]...)
}

// follow carries out an operation below a route.
func (n *updateNode) follow(op *updateOp) *Error {
	if rest := op.path.src[op.path.offset:]; bytes.HasPrefix(rest, n.path) {
		op.path.offset += len(n.path)
		op.consumed = true
		return n.hop.apply(op)
	}
	return n.branchAndApply(op)
}
