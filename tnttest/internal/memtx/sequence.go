package memtx

import (
	"math"
	"strconv"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// sequence gives numbers. It is a row of _sequence. As in Tarantool, no
// transaction takes back a number that it was given.
type sequence struct {
	id, owner             uint32
	name                  string
	step, min, max, start int64
	cycle                 bool
	generated             bool // made for a space, whose rights it has

	last    int64
	started bool // last was given
}

// parseSequence reads a row of _sequence, which has the fields of its format.
func parseSequence(tuple []byte) (*sequence, *Error) {
	f := elements(tuple)
	q := &sequence{id: uint32(readInteger(f[0]).abs), owner: uint32(readInteger(f[1]).abs), name: string(text(f[2]))}
	for i, p := range []*int64{&q.step, &q.min, &q.max, &q.start} {
		n := readInteger(f[3+i])
		if !n.neg && n.abs > math.MaxInt64 {
			return nil, Errorf(errcode.FieldType, "Tuple field %d type does not match one required by operation: expected integer, got unsigned", 4+i)
		}
		*p = int64(n.abs)
	}
	q.cycle = f[8][0] == 0xc3
	fail := func(why string) (*sequence, *Error) {
		return nil, Errorf(errcode.CreateSequence, "Failed to create sequence '%s': %s", q.name, why)
	}
	switch {
	case q.step == 0:
		return fail("step option must be non-zero")
	case q.min > q.max:
		return fail("max must be greater than or equal to min")
	case q.start < q.min || q.start > q.max:
		return fail("start must be between min and max")
	}
	return q, nil
}

// next returns the next number, by sequence_next of Tarantool's sources.
func (q *sequence) next() (int64, *Error) {
	switch {
	case !q.started:
		q.last = q.start
	case q.step > 0 && q.last < q.min:
		q.last = q.min
	case q.step < 0 && q.last > q.max:
		q.last = q.max
	case q.step > 0 && (q.last > math.MaxInt64-q.step || q.last+q.step > q.max),
		q.step < 0 && (q.last < math.MinInt64-q.step || q.last+q.step < q.min):
		if !q.cycle {
			return 0, with(Errorf(errcode.SequenceOverflow, "Sequence '%s' has overflowed", q.name), "sequence", q.name)
		}
		q.last = q.min
		if q.step < 0 {
			q.last = q.max
		}
	default:
		q.last += q.step
	}
	q.started = true
	return q.last, nil
}

// passed notes that a number was taken without asking for it.
func (q *sequence) passed(n int64) {
	if !q.started || q.step > 0 && n > q.last || q.step < 0 && n < q.last {
		q.last, q.started = n, true
	}
}

// NextNumber returns the next number of a sequence, as its next() does.
func (e *Engine) NextNumber(u *User, name string) (int64, *Error) {
	for _, q := range e.sequences {
		if q.name == name {
			if err := e.checkSequence(u, q); err != nil {
				return 0, err
			}
			return q.next()
		}
	}
	return 0, Errorf(errcode.NoSuchSequence, "Sequence '%s' does not exist", name)
}

// checkSequence reports whether the user may take numbers.
func (e *Engine) checkSequence(u *User, q *sequence) *Error {
	if u == nil || q.generated {
		return nil
	}
	return e.checkDDL(u, q.name, q.owner, object{typ: "sequence", id: uint64(q.id)}, PrivWrite)
}

// fillSequence puts the next number of the space's sequence in the place of a
// nil in its field, or tells the sequence which number the tuple brings.
func (e *Engine) fillSequence(u *User, sp *Space, tuple []byte) ([]byte, *Error) {
	q := sp.sequence
	if q == nil {
		return tuple, nil
	}
	if err := e.checkSequence(u, q); err != nil {
		return nil, err
	}
	fields := elements(tuple)
	if len(sp.indexes) == 0 || sp.sequenceField >= len(fields) {
		return tuple, nil
	}
	field := fields[sp.sequenceField]
	switch typeOf(field) {
	case mp.TypeUint, mp.TypeInt:
		if n := readInteger(field); n.neg || n.abs <= math.MaxInt64 {
			q.passed(int64(n.abs))
		}
		return tuple, nil
	case mp.TypeNil:
	default:
		return tuple, nil
	}
	n, err := q.next()
	if err != nil {
		return nil, err
	}
	b := mp.AppendArrayLen(nil, len(fields))
	for i, f := range fields {
		if i == sp.sequenceField {
			b = integer{neg: n < 0, abs: uint64(n)}.append(b)
			continue
		}
		b = append(b, f...)
	}
	return b, nil
}

// replaceSequence follows a change of the space _sequence.
func (e *Engine) replaceSequence(_ *Txn, s *stmt, old, fresh *row) *Error {
	if old != nil && fresh == nil {
		id := uint32(readInteger(elements(old.data)[0]).abs)
		q := e.sequences[id]
		if q == nil {
			return nil
		}
		for _, sp := range e.spaces {
			if sp.sequence == q {
				return Errorf(errcode.DropSequence, "Can't drop sequence '%s': the sequence is in use", q.name)
			}
		}
		if err := e.checkDDL(s.user, q.name, q.owner, object{typ: "sequence", id: uint64(id)}, PrivDrop); err != nil {
			return err
		}
		delete(e.sequences, id)
		s.ddl = &ddlUndo{func() { e.sequences[id] = q }}
		return nil
	}
	q, err := parseSequence(fresh.data)
	if err != nil {
		return err
	}
	before := e.sequences[q.id]
	need := PrivCreate
	if before != nil {
		q.last, q.started, q.generated, need = before.last, before.started, before.generated, PrivAlter
	}
	if err := e.checkDDL(s.user, q.name, q.owner, object{typ: "sequence", id: uint64(q.id)}, need); err != nil {
		return err
	}
	e.setSequence(q.id, q)
	s.ddl = &ddlUndo{func() { e.setSequence(q.id, before) }}
	return nil
}

// setSequence makes a sequence the one with the id, for the spaces too; nil
// takes it away.
func (e *Engine) setSequence(id uint32, q *sequence) {
	for _, sp := range e.spaces {
		if sp.sequence != nil && sp.sequence.id == id {
			sp.sequence = q
		}
	}
	if q == nil {
		delete(e.sequences, id)
		return
	}
	e.sequences[id] = q
}

// replaceSequenceData follows a change of the space _sequence_data, which sets
// the last number of a sequence, or lets it start anew.
func (e *Engine) replaceSequenceData(_ *Txn, s *stmt, old, fresh *row) *Error {
	r := fresh
	if r == nil {
		r = old
	}
	f := elements(r.data)
	id := uint32(readInteger(f[0]).abs)
	q := e.sequences[id]
	if q == nil {
		return Errorf(errcode.NoSuchSequence, "Sequence '%s' does not exist", strconv.FormatUint(uint64(id), 10))
	}
	last, started := q.last, q.started
	q.last, q.started = 0, false
	if fresh != nil {
		q.last, q.started = int64(readInteger(f[1]).abs), true
	}
	s.ddl = &ddlUndo{func() { q.last, q.started = last, started }}
	return nil
}

// replaceSpaceSequence follows a change of the space _space_sequence, which
// gives a field of a space a sequence.
func (e *Engine) replaceSpaceSequence(_ *Txn, s *stmt, old, fresh *row) *Error {
	r := fresh
	if r == nil {
		r = old
	}
	f := elements(r.data)
	sp, err := e.Space(uint32(readInteger(f[0]).abs))
	if err != nil {
		return err
	}
	id := uint32(readInteger(f[1]).abs)
	q := e.sequences[id]
	switch {
	case q == nil:
		return Errorf(errcode.NoSuchSequence, "Sequence '%s' does not exist", strconv.FormatUint(uint64(id), 10))
	case old != nil && fresh != nil:
		return Errorf(errcode.Unsupported, "space \"_space_sequence\" does not support update")
	}
	if err := e.checkDDL(s.user, sp.Def.Name, sp.Def.Owner, object{typ: "space", id: uint64(sp.Def.ID)}, PrivAlter); err != nil {
		return err
	}
	before, field, generated := sp.sequence, sp.sequenceField, q.generated
	if fresh == nil {
		sp.sequence, sp.sequenceField, q.generated = nil, 0, false
	} else {
		if q.generated {
			return Errorf(errcode.AlterSpace, "Can't modify space '%s': can not attach generated sequence", sp.Def.Name)
		}
		at := 0
		if pk, err := sp.primary(); err == nil {
			at = pk.key.parts[0].Field
		}
		if len(f) > 3 {
			at = int(readInteger(f[3]).abs)
		}
		if len(f) > 4 && len(text(f[4])) > 0 {
			return Errorf(errcode.Unsupported, "The embedded server does not support sequences by a JSON path")
		}
		sp.sequence, sp.sequenceField, q.generated = q, at, f[2][0] == 0xc3
	}
	s.ddl = &ddlUndo{func() { sp.sequence, sp.sequenceField, q.generated = before, field, generated }}
	return nil
}
