package memtx

import (
	"slices"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// update applies operations to a tuple.
func (f *format) update(tuple, ops []byte, base int) ([]byte, *Error) {
	list, err := f.readOps(ops, base)
	if err != nil {
		return nil, err
	}
	root := newArrayNode(tuple)
	for _, op := range list {
		if err := root.apply(op); err != nil {
			return nil, err
		}
	}
	return root.appendRoot(nil, f), nil
}

// upsert applies operations to a tuple and passes over those that cannot be.
func (f *format) upsert(tuple, ops []byte, base int) ([]byte, *Error) {
	list, err := f.readOps(ops, base)
	if err != nil {
		return nil, err
	}
	root := newArrayNode(tuple)
	for _, op := range list {
		_ = root.apply(op)
	}
	return root.appendRoot(nil, f), nil
}

// checkOps reports whether the operations are well formed.
func (f *format) checkOps(ops []byte, base int) *Error {
	_, err := f.readOps(ops, base)
	return err
}

// updateNode is a value in the course of an update. Most stay as they are
// (nodePlain). One operation whose path leads inside makes a value a nodeBar:
// its bytes and one change at a point in them. A second operation parts the
// two: the value becomes a nodeArray or nodeMap that holds both, below a
// nodeRoute where the paths have steps in common.
type updateNode struct {
	kind nodeKind
	data []byte // nodePlain, nodeBar, nodeRoute: the bytes from before

	scalar scalar      // nodeScalar, nodeBar
	items  []arrayItem // nodeArray
	parts  []*mapPart  // nodeMap
	size   int         // nodeMap: the number of pairs

	// nodeBar: one operation, the steps that lead to its point and where in
	// data that is, with what holds it.
	op              *updateOp
	path            []byte // nodeRoute too: the steps in common
	holder          int
	point, pointEnd int
	newKey          []byte

	// nodeRoute: where the paths part, and what part of data it replaces.
	hop         *updateNode
	hopAt, hopN int
}

type nodeKind uint8

const (
	nodePlain nodeKind = iota
	nodeScalar
	nodeArray
	nodeMap
	nodeBar
	nodeRoute
)

// arrayItem is a value of an array. Most have no node: none was needed yet.
type arrayItem struct {
	data []byte
	node *updateNode
}

// item returns the node of a value of an array.
func (n *updateNode) item(i int) *updateNode {
	it := &n.items[i]
	if it.node == nil {
		it.node = plainNode(it.data)
	}
	return it.node
}

func (it *arrayItem) append(b []byte, typ FieldType) []byte {
	if it.node == nil {
		return append(b, it.data...)
	}
	return it.node.append(b, typ)
}

// mapPart is a pair that an operation touched, and pairs behind it that none
// did. key is nil where there are only such.
type mapPart struct {
	key  []byte
	node *updateNode
	tail []byte
}

func plainNode(data []byte) *updateNode { return &updateNode{data: data} }

func newArrayNode(data []byte) *updateNode {
	count, rest := array(data)
	n := &updateNode{kind: nodeArray, items: make([]arrayItem, count)}
	for i := range n.items {
		n.items[i].data, rest = next(rest)
	}
	return n
}

func newMapNode(data []byte) *updateNode {
	count, rest := mapping(data)
	n := &updateNode{kind: nodeMap, size: count}
	if count > 0 {
		n.parts = []*mapPart{{tail: rest}}
	}
	return n
}

// apply carries out an operation inside the value.
func (n *updateNode) apply(op *updateOp) *Error {
	switch n.kind {
	case nodeArray:
		return n.applyArray(op)
	case nodeMap:
		return n.applyMap(op)
	case nodeBar:
		return n.branchAndApply(op)
	case nodeRoute:
		return n.follow(op)
	case nodeScalar:
		return op.errNoSuchField()
	}
	return n.makeBar(op)
}

// change carries out an operation on the value itself that needs a scalar.
func (n *updateNode) change(op *updateOp) *Error {
	s := n.scalar
	switch n.kind {
	case nodePlain:
		s = readScalar(n.data)
	case nodeScalar:
	default:
		s = scalar{}
	}
	if err := s.change(op); err != nil {
		return err
	}
	n.kind, n.scalar = nodeScalar, s
	return nil
}

func (s *scalar) change(op *updateOp) *Error {
	switch op.code {
	case '+', '-':
		return s.arith(op)
	case '&', '|', '^':
		return s.bit(op)
	}
	return s.splice(op)
}

// descend carries out the rest of an operation inside an item.
func (n *updateNode) descend(op *updateOp) *Error {
	op.consumed = true
	return n.apply(op)
}

// maxFields is BOX_FIELD_MAX.
const maxFields = 1<<31 - 1

func (n *updateNode) applyArray(op *updateOp) *Error {
	if op.consumed {
		if err := op.nextToken(); err != nil {
			return err
		}
	}
	if op.token != tokenNum {
		return op.errf("can't update an array by a non-numeric index")
	}
	insert := op.code == '!' || op.code == '=' && int(op.fieldNo) >= len(n.items)
	if insert && op.last() {
		return n.insertItem(op)
	}
	if op.code == '#' && op.last() {
		return n.deleteItems(op)
	}
	if !op.settle(len(n.items)) {
		return op.errNoSuchField()
	}
	i := int(op.fieldNo)
	switch {
	case !op.last():
		return n.item(i).descend(op)
	case op.code == '=':
		n.items[i] = arrayItem{data: op.value}
		return nil
	}
	return n.item(i).change(op)
}

// settle makes the number of a field count from the front, and reports whether
// there is such a field among n.
func (op *updateOp) settle(n int) bool {
	if op.fieldNo >= 0 {
		return int(op.fieldNo) < n
	}
	if int(op.fieldNo)+n < 0 {
		return false
	}
	op.fieldNo += int32(n)
	return true
}

// insertItem puts a value in front of a field. In the tuple itself it fills
// what is missing before that with nil.
func (n *updateNode) insertItem(op *updateOp) *Error {
	if op.forRoot && op.fieldNo > int32(len(n.items)) {
		if op.fieldNo > maxTupleSize { // it could not be stored, nor should it be built
			return Errorf(errcode.MemtxMaxTupleSize, "Failed to allocate %d bytes for tuple: tuple is too large. "+
				"Check 'memtx_max_tuple_size' configuration option.", op.fieldNo)
		}
		for len(n.items) < int(op.fieldNo) {
			n.items = append(n.items, arrayItem{data: nilValue})
		}
	}
	if len(n.items) >= maxFields {
		return Errorf(errcode.TupleFieldCountLimit, "Tuple field count limit reached: see box.schema.FIELD_MAX")
	}
	if !op.settle(len(n.items) + 1) {
		return op.errNoSuchField()
	}
	i := int(op.fieldNo)
	n.items = slices.Insert(n.items, i, arrayItem{data: op.value})
	return nil
}

func (n *updateNode) deleteItems(op *updateOp) *Error {
	if !op.settle(len(n.items)) {
		if op.fieldNo >= 0 {
			return nil
		}
		return op.errNoSuchField()
	}
	i := int(op.fieldNo)
	n.items = slices.Delete(n.items, i, min(i+op.count, len(n.items)))
	return nil
}

// append writes the value. typ is the type of the field that it is.
func (n *updateNode) append(b []byte, typ FieldType) []byte {
	switch n.kind {
	case nodeScalar:
		return n.scalar.append(b, typ)
	case nodeArray:
		b = mp.AppendArrayLen(b, len(n.items))
		for i := range n.items {
			b = n.items[i].append(b, TypeAny)
		}
		return b
	case nodeMap:
		return n.appendMap(b)
	case nodeBar:
		return n.appendBar(b)
	case nodeRoute:
		b = append(b, n.data[:n.hopAt]...)
		b = n.hop.append(b, TypeAny)
		return append(b, n.data[n.hopAt+n.hopN:]...)
	}
	return append(b, n.data...)
}

// appendRoot writes a tuple, whose fields have types.
func (n *updateNode) appendRoot(b []byte, f *format) []byte {
	b = mp.AppendArrayLen(b, len(n.items))
	for i := range n.items {
		b = n.items[i].append(b, f.kindOf(i))
	}
	return b
}
