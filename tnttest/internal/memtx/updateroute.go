package memtx

import "github.com/gotnt/tnt/internal/mp"

// branchAndApply carries out an operation in a value that another one, or
// several with a common path, changed already: the value becomes an array or
// a map where the paths part.
func (n *updateNode) branchAndApply(op *updateOp) *Error {
	old := pathLexer{src: n.path}
	var oldToken, newToken pathToken
	common, at := 0, 0 // the length of the steps in common and where they lead to
	for {
		common = old.offset
		oldToken, _ = old.next()
		var bad int
		if newToken, bad = op.path.next(); bad != 0 {
			return op.errBadPath(bad)
		}
		if !oldToken.equal(newToken) || old.eof() || op.path.eof() {
			break
		}
		to, _, ok := n.step(at, newToken)
		if !ok {
			break // what the other operation added
		}
		at = to
	}
	child := n.withoutSteps(old.offset)
	holder, _ := next(n.data[at:])
	var hop *updateNode
	switch typeOf(holder) {
	case mp.TypeArray:
		if newToken.kind != tokenNum {
			return op.errf("can not update array by non-integer index")
		}
		hop = branchArray(n.data, at, child, oldToken)
	case mp.TypeMap:
		if newToken.kind != tokenStr {
			return op.errf("can not update map by non-string key")
		}
		hop = branchMap(n.data, at, child, oldToken)
	default:
		return op.errNoSuchField()
	}
	op.setToken(newToken)
	if common == 0 {
		*n = *hop
		return n.apply(op)
	}
	*n = updateNode{kind: nodeRoute, data: n.data, path: n.path[:common], hop: hop, hopAt: at, hopN: len(holder)}
	return hop.apply(op)
}

// withoutSteps returns the node as it is seen after the first steps of its
// path.
func (n *updateNode) withoutSteps(length int) *updateNode {
	child := *n
	child.path = n.path[length:]
	switch {
	case len(child.path) > 0:
	case child.kind == nodeRoute:
		return child.hop
	case child.op.scalarOp():
		return &updateNode{kind: nodeScalar, scalar: n.scalar}
	}
	return &child
}

// leaf tells of a bar whose operation acts on what holds the value, so that it
// must be done again there.
func (n *updateNode) leaf() bool { return n.kind == nodeBar && len(n.path) == 0 }

// within moves a bar or route from the bytes it was made in to those of its
// value alone, which start at an offset of them.
func (n *updateNode) within(value []byte, at int) *updateNode {
	if n.kind == nodeBar || n.kind == nodeRoute {
		n.data = value
		n.holder -= at
		n.point -= at
		n.pointEnd -= at
		n.hopAt -= at
	}
	return n
}

// branchArray turns the array at an offset of data into a node in which the
// child is the item that the token tells.
func branchArray(data []byte, at int, child *updateNode, t pathToken) *updateNode {
	holder, _ := next(data[at:])
	hop := newArrayNode(holder)
	if child.leaf() {
		child.op.setToken(t)
		_ = hop.apply(child.op) // it could be done before
		return hop
	}
	if to, ok := goToIndex(data, at, t.num); ok {
		hop.items[t.num].node = child.within(hop.items[t.num].data, to)
	}
	return hop
}

// branchMap does the same for a map.
func branchMap(data []byte, at int, child *updateNode, t pathToken) *updateNode {
	holder, _ := next(data[at:])
	hop := newMapNode(holder)
	if child.leaf() {
		child.op.setToken(t)
		_ = hop.apply(child.op) // it could be done before
		return hop
	}
	if to, _, ok := goToKey(data, at, t.str); ok {
		p := hop.part(t.str)
		value, _ := next(data[to:])
		p.node = child.within(value, to)
		if len(hop.parts) == 1 { // the first pair: what was before it is nothing
			hop.parts = append(hop.parts, &mapPart{})
		}
	}
	return hop
}
