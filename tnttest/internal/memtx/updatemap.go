package memtx

import (
	"bytes"

	"github.com/gotnt/tnt/internal/mp"
)

// part finds the pair with the key of the operation and takes it out of the
// tail where it is. It returns nil where there is none.
func (n *updateNode) part(key []byte) *mapPart {
	for _, p := range n.parts {
		if p.key != nil && bytes.Equal(p.key, key) {
			return p
		}
	}
	for _, p := range n.parts {
		for rest := p.tail; len(rest) > 0; {
			before := len(p.tail) - len(rest)
			var k, v []byte
			k, rest = next(rest)
			v, rest = next(rest)
			if typeOf(k) != mp.TypeString || !bytes.Equal(text(k), key) {
				continue
			}
			if before == 0 && p.key == nil {
				p.key, p.node, p.tail = key, plainNode(v), rest
				return p
			}
			p.tail = p.tail[:before]
			return n.addPart(key, plainNode(v), rest)
		}
	}
	return nil
}

// addPart adds a pair in front of all others.
func (n *updateNode) addPart(key []byte, node *updateNode, tail []byte) *mapPart {
	p := &mapPart{key: key, node: node, tail: tail}
	n.parts = append([]*mapPart{p}, n.parts...)
	return p
}

func (n *updateNode) applyMap(op *updateOp) *Error {
	if op.consumed {
		if err := op.nextToken(); err != nil {
			return err
		}
		if op.token != tokenStr {
			return op.errf("can't update a map by not a string key")
		}
	}
	p := n.part(op.key)
	if !op.last() {
		if p == nil {
			return op.errNoSuchField()
		}
		return p.node.descend(op)
	}
	switch op.code {
	case '=':
		if p != nil {
			p.node = plainNode(op.value)
			return nil
		}
	case '!':
		if p != nil {
			return op.errf("the key exists already")
		}
	case '#':
		if op.count != 1 {
			return op.errf("can delete only 1 field from a map in a row")
		}
		if p != nil {
			p.key, p.node = nil, nil
			n.size--
		}
		return nil
	default:
		if p == nil {
			return op.errNoSuchField()
		}
		return p.node.change(op)
	}
	n.size++
	n.addPart(op.key, plainNode(op.value), nil)
	return nil
}

// appendMap writes the pairs that were touched, then the others: the order
// that clients see.
func (n *updateNode) appendMap(b []byte) []byte {
	b = mp.AppendMapLen(b, n.size)
	for _, p := range n.parts {
		if p.key != nil {
			b = mp.AppendStringBytes(b, p.key)
			b = p.node.append(b, TypeAny)
		}
	}
	for _, p := range n.parts {
		b = append(b, p.tail...)
	}
	return b
}
