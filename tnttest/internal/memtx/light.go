package memtx

// light is the hash table of HASH indexes: Tarantool's "light", whose order of
// slots clients see when they scan such an index. Collisions are chained
// through slots of the table itself; it grows by splitting few slots at a time.
type light struct {
	key     *keyDef
	slots   []lightSlot
	count   int
	mask    uint32 // 2^n-1, the least that covers all slots
	free    uint32 // the first of the list of free slots
	hashKey func(key [][]byte) uint32
}

type lightSlot struct {
	hash uint32
	next uint32 // the next slot of the chain; its own number: free
	row  *row
	// Neighbours in the list of free slots.
	prevFree, nextFree uint32
}

const (
	lightEnd  = ^uint32(0)
	lightGrow = 8 // slots added at once
)

func newLight(key *keyDef) *light {
	return &light{key: key, free: lightEnd, hashKey: key.hash}
}

// slotOf returns the slot where the chain of a hash starts.
func (h *light) slotOf(hash uint32) uint32 {
	slot := hash & h.mask
	if slot >= uint32(len(h.slots)) {
		slot &= h.mask >> 1
	}
	return slot
}

// find returns the slot of the row with the key, and the one before it in its
// chain.
func (h *light) find(hash uint32, key [][]byte) (slot, prev uint32) {
	if h.count == 0 {
		return lightEnd, lightEnd
	}
	slot, prev = h.slotOf(hash), lightEnd
	if h.slots[slot].next == slot {
		return lightEnd, lightEnd
	}
	for slot != lightEnd {
		s := &h.slots[slot]
		if s.hash == hash && h.key.compareKey(s.row, key) == 0 {
			return slot, prev
		}
		slot, prev = s.next, slot
	}
	return lightEnd, lightEnd
}

// get returns the row with the key, nil where there is none.
func (h *light) get(key [][]byte) *row {
	slot, _ := h.find(h.hashKey(key), key)
	if slot == lightEnd {
		return nil
	}
	return h.slots[slot].row
}

// put adds a row, or puts it in the place of the one with the same key, which
// it returns.
func (h *light) put(r *row) (replaced *row) {
	key := h.key.key(r)
	hash := h.hashKey(key)
	if slot, _ := h.find(hash, key); slot != lightEnd {
		replaced, h.slots[slot].row = h.slots[slot].row, r
		return replaced
	}
	h.insert(hash, r)
	return nil
}

func (h *light) insert(hash uint32, r *row) {
	switch {
	case len(h.slots) == 0:
		h.init()
	case h.free == lightEnd:
		h.grow()
	}
	h.count++
	slot := h.slotOf(hash)
	if h.slots[slot].next == slot {
		h.takeFree(slot)
		h.slots[slot] = lightSlot{hash: hash, next: lightEnd, row: r}
		return
	}
	first := h.slotOf(h.slots[slot].hash)
	spare := h.free
	h.takeFree(spare)
	if first == slot { // one more of the same chain
		h.slots[spare] = lightSlot{hash: hash, next: h.slots[slot].next, row: r}
		h.slots[slot].next = spare
		return
	}
	// The slot holds a link of another chain, which moves away.
	for h.slots[first].next != slot {
		first = h.slots[first].next
	}
	h.slots[spare] = h.slots[slot]
	h.slots[first].next = spare
	h.slots[slot] = lightSlot{hash: hash, next: lightEnd, row: r}
}

// remove takes a row out.
func (h *light) remove(r *row) {
	key := h.key.key(r)
	slot, prev := h.find(h.hashKey(key), key)
	switch {
	case slot == lightEnd:
		return
	case prev != lightEnd:
		h.slots[prev].next = h.slots[slot].next
	case h.slots[slot].next != lightEnd:
		// The first of a chain stays where it is: the second moves there.
		second := h.slots[slot].next
		h.slots[slot] = h.slots[second]
		slot = second
	}
	h.giveFree(slot)
	h.count--
}

func (h *light) init() {
	h.slots = make([]lightSlot, lightGrow)
	h.mask = lightGrow - 1
	h.free = lightEnd
	for i := lightGrow - 1; i >= 0; i-- {
		h.giveFree(uint32(i))
	}
}

func (h *light) giveFree(slot uint32) {
	h.slots[slot] = lightSlot{next: slot, prevFree: lightEnd, nextFree: h.free}
	if h.free != lightEnd {
		h.slots[h.free].prevFree = slot
	}
	h.free = slot
}

func (h *light) takeFree(slot uint32) {
	s := h.slots[slot]
	if s.prevFree == lightEnd {
		h.free = s.nextFree
	} else {
		h.slots[s.prevFree].nextFree = s.nextFree
	}
	if s.nextFree != lightEnd {
		h.slots[s.nextFree].prevFree = s.prevFree
	}
}

// grow adds slots and splits the chains that may start in them now.
func (h *light) grow() {
	fresh := uint32(len(h.slots))
	h.slots = append(h.slots, make([]lightSlot, lightGrow)...)
	if h.mask < uint32(len(h.slots))-1 {
		h.mask = h.mask<<1 | 1
	}
	for i := range uint32(lightGrow) {
		h.split((fresh+i)&(h.mask>>1), fresh+i)
	}
}

// split moves what belongs to the new slot out of the chain of the old one.
func (h *light) split(old, fresh uint32) {
	half := h.mask >> 1
	s := h.slots[old]
	if s.next == old || s.hash&half != old {
		h.giveFree(fresh)
		return
	}
	bit := h.mask ^ half
	heads := [2]uint32{old, fresh}
	tails := [2]uint32{lightEnd, lightEnd}
	empty, was := fresh, 0
	prev := lightEnd
	for slot := old; ; {
		to := 0
		if h.slots[slot].hash&bit != 0 {
			to = 1
		}
		link := slot // where the record is after this step
		if to != was {
			tails[was] = prev
			if tails[to] != lightEnd {
				h.slots[tails[to]].next = slot
			} else {
				h.slots[heads[to]] = h.slots[slot]
				empty = slot
				link = heads[to]
			}
			was = to
		}
		prev = link
		next := h.slots[slot].next
		if next == lightEnd {
			break
		}
		slot = next
	}
	if other := tails[was^1]; other != lightEnd {
		h.slots[other].next = lightEnd
	}
	h.giveFree(empty)
}

// from calls f with the rows from a slot on, in the order of slots.
func (h *light) from(slot uint32, f func(*row) bool) {
	for ; slot < uint32(len(h.slots)); slot++ {
		if s := &h.slots[slot]; s.next != slot && !f(s.row) {
			return
		}
	}
}
