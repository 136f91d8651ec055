package memtx

import "github.com/tidwall/btree"

// tree is the store of TREE indexes.
type tree struct {
	order *keyDef
	rows  *btree.BTreeG[*row]
}

func newTree(order *keyDef) *tree {
	t := &tree{order: order}
	t.rows = btree.NewBTreeGOptions(t.less, btree.Options{NoLocks: true})
	return t
}

func (t *tree) less(a, b *row) bool {
	switch {
	case a.probe != nil:
		c := -t.order.compareKey(b, a.probe)
		return c < 0 || c == 0 && a.bias < 0
	case b.probe != nil:
		c := t.order.compareKey(a, b.probe)
		return c < 0 || c == 0 && b.bias > 0
	}
	return t.order.compareRows(a, b) < 0
}

func (t *tree) put(r *row) (replaced *row) {
	replaced, _ = t.rows.Set(r)
	return replaced
}

func (t *tree) remove(r *row) { t.rows.Delete(r) }

func (t *tree) get(key [][]byte) *row {
	var found *row
	t.walk(key, IterGE, func(r *row) bool {
		if t.order.compareKey(r, key) == 0 {
			found = r
		}
		return false
	})
	return found
}

// walk calls f with the rows in the direction of the iterator, from the first
// on that it can visit with the key.
func (t *tree) walk(key [][]byte, it Iterator, f func(*row) bool) {
	switch {
	case len(key) == 0 && it.reverse():
		t.rows.Reverse(f)
	case len(key) == 0:
		t.rows.Scan(f)
	case it == IterEq || it == IterGE:
		t.rows.Ascend(&row{probe: key, bias: -1}, f)
	case it == IterGT:
		t.rows.Ascend(&row{probe: key, bias: 1}, f)
	case it == IterLT:
		t.rows.Descend(&row{probe: key, bias: -1}, f)
	default: // IterReq, IterLE
		t.rows.Descend(&row{probe: key, bias: 1}, f)
	}
}
