package mp

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"
)

// Plan is how values of one Go type are read and written, worked out once by
// reflection and run without it. It is safe for concurrent use.
//
// A struct stands for a tuple. Its exported fields, in their order, are the
// tuple's fields from the first on; those of an embedded struct stand in its
// place. A field's tag changes that:
//
//	`tnt:"-"`          is left out
//	`tnt:"3"`          is the tuple's field number 3, counted from 0
//	`tnt:"name"`       is the tuple's field of that name, where names are known
//	`tnt:"name,array"` is, if it is a struct itself, an array inside of the tuple
//
// A struct anywhere else than in a tuple's place is a map: its keys are the
// names in tags, or the fields' names in snake_case. Both forms are read
// wherever a struct is wanted; keys of a map match the name in the tag, or the
// field's name without regard to case and underscores. Names of fields of
// structs that stand in a tuple's place match in the same way as soon as one
// tag has a name.
//
// Reading sets all of a value: fields that the tuple lacks, and those that are
// nil, become zero, nil for a pointer; what the struct lacks is passed over. A
// slice's room is used again, and so are strings that have the right text
// already; pointers and maps are made afresh. What is read never points into
// the bytes that it was read from.
//
// A type that implements msgp.Marshaler or msgp.Unmarshaler, it or a pointer to
// it, is written or read by that.
type Plan struct {
	typ    reflect.Type
	decode func(r *Reader, p unsafe.Pointer)
	encode func(b []byte, p unsafe.Pointer, depth int) ([]byte, error)
	fields *structPlan // nil for what is no struct
	elem   *Plan       // of what a pointer points to

	err error // why there is none

	marshals, unmarshals bool // by the type's own methods
}

var plans sync.Map // reflect.Type -> *planEntry

// planEntry is a place for a plan, and who comes second waits for it there.
type planEntry struct {
	once sync.Once
	plan *Plan
	err  error
}

// PlanOf returns the plan of a type, or an error that names what in it has no
// form in MessagePack.
func PlanOf(t reflect.Type) (*Plan, error) {
	e, ok := plans.Load(t)
	if !ok {
		e, _ = plans.LoadOrStore(t, new(planEntry))
	}
	entry := e.(*planEntry)
	entry.once.Do(func() {
		c := compiler{open: map[reflect.Type]*Plan{}}
		if entry.plan, entry.err = c.plan(t); entry.err != nil {
			entry.err = fmt.Errorf("type %v: %w", t, entry.err)
			return
		}
		c.finish()
	})
	return entry.plan, entry.err
}

// compiler works out the plan of a type and of the types inside of it.
type compiler struct {
	open map[reflect.Type]*Plan // also those begun, for types that contain themselves
}

// finish shortens the way to the fields' plans, once those are complete.
func (c *compiler) finish() {
	for _, p := range c.open {
		if p.fields == nil {
			continue
		}
		for i := range p.fields.fields {
			f := &p.fields.fields[i]
			f.decode, f.quick = f.plan.decode, f.plan.quickKind()
		}
	}
}

func (c *compiler) plan(t reflect.Type) (*Plan, error) {
	if p, ok := c.open[t]; ok {
		return p, p.err
	}
	p := &Plan{typ: t}
	c.open[t] = p
	if known, ok := knownPlans[t]; ok {
		p.decode, p.encode = known.decode, known.encode
		return p, nil
	}
	// A pointer leaves it to what it points to.
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		p.marshals, p.unmarshals = marshals(t), unmarshals(t)
	}
	if !p.marshals || !p.unmarshals {
		err := c.fill(p)
		switch {
		case err != nil && !p.marshals && !p.unmarshals:
			p.err = err
			return nil, err
		case err != nil: // it goes one way only
			p.decode = func(r *Reader, _ unsafe.Pointer) { r.Fail(err) }
			p.encode = func(b []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return b, err }
		}
	}
	p.honourMarshalers()
	return p, nil
}

func (c *compiler) fill(p *Plan) error {
	if p.typ == durationType {
		return errDuration
	}
	if scalarPlan(p) {
		return nil
	}
	switch p.typ.Kind() {
	case reflect.Struct:
		return c.structPlan(p)
	case reflect.Pointer:
		return c.pointerPlan(p)
	case reflect.Slice:
		return c.slicePlan(p)
	case reflect.Array:
		return c.arrayPlan(p)
	case reflect.Map:
		return c.mapPlan(p)
	case reflect.Interface:
		interfacePlan(p)
		return nil
	}
	return fmt.Errorf("%v has no form in MessagePack", p.typ)
}

var errDuration = errors.New("time.Duration has no form in MessagePack: use types.Interval, or a number")

// Decode reads one value into what p points to, which is of the plan's type.
// The error is that of r.
func (p *Plan) Decode(r *Reader, dst unsafe.Pointer) { p.decode(r, dst) }

// ByName tells whether the names of a tuple's fields matter to the plan.
func (p *Plan) ByName() bool {
	if p.elem != nil {
		return p.elem.ByName()
	}
	return p.fields != nil && p.fields.byName && !p.unmarshals
}

// DecodeRow reads a value in the place of a tuple, whose fields have the given
// names, into what dst points to, which is of the plan's type. names may be
// nil; it is not to be changed afterwards. The error is that of r.
func (p *Plan) DecodeRow(r *Reader, dst unsafe.Pointer, names []string) {
	if s := p.fields; s != nil && !p.unmarshals {
		bound := s.position
		if s.byName {
			bound = s.bind(names)
		}
		if r.Type() == TypeArray {
			s.decodeArray(r, dst, bound)
			return
		}
		s.decode(r, dst, bound)
		return
	}
	if p.elem != nil && p.ByName() {
		ptr := (*unsafe.Pointer)(dst)
		if r.Nil() {
			*ptr = nil
			return
		}
		fresh := reflect.New(p.elem.typ).UnsafePointer()
		if p.elem.DecodeRow(r, fresh, names); r.err == nil {
			*ptr = fresh
		}
		return
	}
	p.decode(r, dst)
}

// DecodeInto reads one value into dst.
func DecodeInto[T any](r *Reader, dst *T) error {
	plan, err := PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	plan.decode(r, unsafe.Pointer(dst))
	return r.err
}

// AppendTuple appends a value in the place of a tuple or of a key: a struct,
// or a pointer to one, as an array. names are those of the tuple's fields, nil
// where they are not known; it is not to be changed afterwards. Fields of the
// struct that are not among the names are left out: for a tuple to be stored,
// see AppendRow.
func AppendTuple(b []byte, v any, names []string) ([]byte, error) {
	return appendTuple(b, v, names, false)
}

// AppendRow is AppendTuple for a tuple that is to be stored: that names lack a
// field of the struct which is not zero is an error, lest it be lost.
func AppendRow(b []byte, v any, names []string) ([]byte, error) {
	return appendTuple(b, v, names, true)
}

func appendTuple(b []byte, v any, names []string, whole bool) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t == nil {
		return AppendNil(b), nil
	}
	isPointer := t.Kind() == reflect.Pointer
	if isPointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return AppendValue(b, v)
	}
	plan, err := PlanOf(t)
	if err != nil {
		return b, err
	}
	rv := reflect.ValueOf(v)
	if isPointer && rv.IsNil() {
		return AppendNil(b), nil
	}
	if !isPointer {
		box := reflect.New(t)
		box.Elem().Set(rv)
		rv = box
	}
	if plan.fields == nil || plan.marshals {
		return plan.encode(b, rv.UnsafePointer(), 0)
	}
	bound := plan.fields.bind(names)
	if whole {
		for _, i := range bound.unbound {
			if f := &plan.fields.fields[i]; !f.value(rv.UnsafePointer()).IsZero() {
				return b, fmt.Errorf("the tuple has no field %q for field %s of %v, only %q", f.name, f.goName, t, names)
			}
		}
	}
	return plan.fields.appendArray(b, rv.UnsafePointer(), bound, 0)
}
