package mp

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
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
// field's name without regard to case and underscores.
type Plan struct {
	typ    reflect.Type
	decode func(r *Reader, p unsafe.Pointer)
	encode func(b []byte, p unsafe.Pointer, depth int) ([]byte, error)
	fields *structPlan // nil for what is no struct
}

var (
	plans           sync.Map // reflect.Type -> *planEntry
	marshalerType   = reflect.TypeFor[msgp.Marshaler]()
	unmarshalerType = reflect.TypeFor[msgp.Unmarshaler]()
)

// planEntry lets a type that contains itself refer to its plan before that
// is complete.
type planEntry struct {
	once sync.Once
	plan *Plan
	err  error
}

// PlanOf returns the plan of a type, or an error that names what in it has no
// form in MessagePack.
func PlanOf(t reflect.Type) (*Plan, error) {
	if e, ok := plans.Load(t); ok {
		entry := e.(*planEntry)
		entry.once.Do(func() { entry.compile(t) })
		return entry.plan, entry.err
	}
	e, _ := plans.LoadOrStore(t, new(planEntry))
	entry := e.(*planEntry)
	entry.once.Do(func() { entry.compile(t) })
	return entry.plan, entry.err
}

func (e *planEntry) compile(t reflect.Type) {
	c := compiler{open: map[reflect.Type]*Plan{}}
	e.plan, e.err = c.plan(t)
}

// compiler works out the plan of a type and of the types inside of it.
type compiler struct {
	open map[reflect.Type]*Plan // those begun, for types that contain themselves
}

func (c *compiler) plan(t reflect.Type) (*Plan, error) {
	if p, ok := c.open[t]; ok {
		return p, nil
	}
	p := &Plan{typ: t}
	c.open[t] = p
	if err := c.fill(p); err != nil {
		return nil, err
	}
	c.honourMarshalers(p)
	return p, nil
}

func (c *compiler) fill(p *Plan) error {
	if known, ok := knownPlans[p.typ]; ok {
		p.decode, p.encode = known.decode, known.encode
		return nil
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
		if p.typ.NumMethod() == 0 {
			p.decode = func(r *Reader, v unsafe.Pointer) { *(*any)(v) = r.Value() }
			p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
				return appendValue(b, *(*any)(v), depth+1)
			}
			return nil
		}
	}
	if reflect.PointerTo(p.typ).Implements(marshalerType) || reflect.PointerTo(p.typ).Implements(unmarshalerType) {
		p.decode = func(r *Reader, _ unsafe.Pointer) { r.Fail(unsupported(p.typ)) }
		p.encode = func(b []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return b, unsupported(p.typ) }
		return nil
	}
	return unsupported(p.typ)
}

func unsupported(t reflect.Type) error {
	if t == durationType {
		return fmt.Errorf("type %v has no form in MessagePack: use types.Interval, or a number", t)
	}
	return fmt.Errorf("type %v has no form in MessagePack", t)
}

// honourMarshalers makes a type that knows its own MessagePack use that.
func (c *compiler) honourMarshalers(p *Plan) {
	ptr := reflect.PointerTo(p.typ)
	if ptr.Implements(marshalerType) && p.typ.Kind() != reflect.Pointer {
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) {
			return marshal(b, reflect.NewAt(p.typ, v).Interface().(msgp.Marshaler))
		}
	}
	if ptr.Implements(unmarshalerType) && p.typ.Kind() != reflect.Pointer {
		p.decode = func(r *Reader, v unsafe.Pointer) { r.unmarshal(reflect.NewAt(p.typ, v).Interface().(msgp.Unmarshaler)) }
	}
}

// unmarshal lets a user's type read its own value, which is cut out for it so
// that it can't read on.
func (r *Reader) unmarshal(m msgp.Unmarshaler) {
	raw := r.Raw()
	if r.err != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			r.Fail(fmt.Errorf("%T panicked in UnmarshalMsg: %v", m, p))
		}
	}()
	if _, err := m.UnmarshalMsg(raw); err != nil {
		r.Fail(err)
	}
}

// Decode reads one value into what p points to, which is of the plan's type.
func (plan *Plan) Decode(r *Reader, p unsafe.Pointer) { plan.decode(r, p) }

// DecodeInto reads one value into dst.
func DecodeInto[T any](r *Reader, dst *T) error {
	plan, err := PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	plan.decode(r, unsafe.Pointer(dst))
	return r.err
}

// AppendTuple appends a value in the place of a tuple: a struct, or a pointer
// to one, as an array. names are those of the tuple's fields, nil where they
// are not known.
func AppendTuple(b []byte, v any, names []string) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
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
	var p unsafe.Pointer
	if rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return AppendNil(b), nil
		}
		p = rv.UnsafePointer()
	} else {
		box := reflect.New(t)
		box.Elem().Set(rv)
		p = box.UnsafePointer()
	}
	if plan.fields == nil || reflect.PointerTo(t).Implements(marshalerType) {
		return plan.encode(b, p, 0)
	}
	return plan.fields.appendArray(b, p, plan.fields.bind(names), 0)
}
