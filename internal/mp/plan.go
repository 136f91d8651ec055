package mp

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/google/uuid"
)

// Plan is how values of one Go type are read and written, worked out once by
// reflection and run without it. It is safe for concurrent use. docs/types.md
// has the rules.
//
// Reading sets all of a value: fields that the tuple lacks, and those that are
// nil, become zero, nil for a pointer; what the struct lacks is passed over. A
// slice's room is used again, and so are strings that have the right text
// already; pointers and maps are made afresh. What is read never points into
// the bytes that it was read from.
type Plan struct {
	typ    reflect.Type
	decode func(r *Reader, p unsafe.Pointer)
	encode func(b []byte, p unsafe.Pointer, depth int) ([]byte, error)
	row    func(r *Reader, p unsafe.Pointer, f Format) // decode in the place of a tuple; nil: the same
	fields *structPlan                                 // nil for what is no struct
	elem   *Plan                                       // of what a pointer points to
	inside []*Plan                                     // of what it consists of
	named  bool                                        // names of tuples' fields matter, here or inside
	single bool                                        // is no list, so that a row of one column can be one
	slow   bool                                        // read by the type's methods
	level  int                                         // of nesting, that a pointer to it is

	err error // why there is none

	marshals, unmarshals bool // by the type's own MarshalMsg and UnmarshalMsg
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
			entry.err = fmt.Errorf("type %s: %w", typeName(t), entry.err)
			return
		}
		if entry.err = c.finish(); entry.err != nil {
			entry.err = fmt.Errorf("type %s: %w", typeName(t), entry.err)
		}
	})
	return entry.plan, entry.err
}

// compiler works out the plan of a type and of the types inside of it.
type compiler struct {
	open map[reflect.Type]*Plan // also those begun, for types that contain themselves
}

// finish ends what takes complete plans: it shortens the way to those of fields,
// and spreads what a type has of the types inside of it.
func (c *compiler) finish() error {
	for again := true; again; {
		again = false
		for _, p := range c.open {
			if !p.named && !p.unmarshals && slices.ContainsFunc(p.inside, func(q *Plan) bool { return q.named }) {
				p.named, again = true, true
			}
		}
	}
	for _, p := range c.open {
		if p.fields == nil {
			continue
		}
		for i := range p.fields.fields {
			if err := p.fields.fields[i].finish(p.typ); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fieldPlan) finish(owner reflect.Type) error {
	if len(f.path) > 0 {
		f.decode = f.decodeEmbedded
	} else {
		f.decode, f.quick = f.plan.decode, f.plan.quickKind()
	}
	inner := f.plan
	if inner.elem != nil {
		inner = inner.elem
	}
	if f.array && inner.fields.byName {
		return fmt.Errorf("field %s of %s: the option array in its tag makes a list of %s, whose fields are tagged by name, and a list has no names: tag them by number",
			f.goName, typeName(owner), typeName(inner.typ))
	}
	return nil
}

func (c *compiler) plan(t reflect.Type) (*Plan, error) {
	if p, ok := c.open[t]; ok {
		return p, p.err
	}
	p := &Plan{typ: t, level: levelOf(t)}
	c.open[t] = p
	known, ok := knownPlans[t]
	if !ok && isUUID(t) {
		known, ok = knownPlans[reflect.TypeFor[uuid.UUID]()]
	}
	if ok {
		p.decode, p.encode, p.row, p.named, p.single = known.decode, known.encode, known.row, known.named, known.single
		p.inOneColumn()
		return p, nil
	}
	// A pointer leaves it to what it points to.
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		p.marshals, p.unmarshals = marshals(t), unmarshals(t)
		if p.err = noPromotion(t, "MarshalMsg", "UnmarshalMsg"); p.err != nil {
			return nil, p.err
		}
	}
	if !p.marshals || !p.unmarshals {
		err := c.fill(p)
		switch {
		case err != nil && !p.marshals && !p.unmarshals:
			p.err = err
			return nil, err
		case err != nil: // it goes one way only
			p.fields, p.inside, p.named = nil, nil, false
			p.decode = func(r *Reader, _ unsafe.Pointer) { r.Fail(err) }
			p.encode = func(b []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return b, err }
		}
	}
	p.honourMarshalers()
	p.inOneColumn()
	return p, nil
}

// inOneColumn has a type that is no list read from a row of one column.
func (p *Plan) inOneColumn() {
	switch {
	case p.unmarshals:
		p.row, p.named = nil, false
	case p.single:
		p.row = p.singleRow
	}
}

func (c *compiler) fill(p *Plan) error {
	switch {
	case isNullable(p.typ):
		return c.nullPlan(p)
	case hasOwnForm(p.typ):
		return c.methodPlan(p)
	}
	return c.kindPlan(p)
}

// kindPlan fills the plan of a type by its kind.
func (c *compiler) kindPlan(p *Plan) error {
	if p.typ == durationType {
		return errDuration
	}
	if scalarPlan(p) {
		p.single = true
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
	return fmt.Errorf("%s has no form in MessagePack", typeName(p.typ))
}

var errDuration = errors.New("time.Duration has no form in MessagePack: use types.Interval, or a number")

// Decode reads one value into what p points to, which is of the plan's type.
// The error is that of r.
func (p *Plan) Decode(r *Reader, dst unsafe.Pointer) { p.decode(r, dst) }

// DecodeInto reads one value into dst.
func DecodeInto[T any](r *Reader, dst *T) error {
	plan, err := PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	plan.decode(r, unsafe.Pointer(dst))
	return r.err
}

// AppendRow appends a value in the place of a tuple: a struct, or a pointer to
// one, as an array. names are those of the tuple's fields, nil where they are not
// known; it is not to be changed afterwards. Its error is a *NamesError where
// they don't fit the struct's.
func AppendRow(b []byte, v any, names []string) ([]byte, error) {
	return (*Settings)(nil).AppendRow(b, v, names)
}

// AppendRow is the function of that name by the Settings.
func (s *Settings) AppendRow(b []byte, v any, names []string) ([]byte, error) {
	b, err := appendTuple(b, v, names, false, s.start())
	return b, s.written(err)
}

// AppendKey is AppendRow for a key, where names are those of the parts of an
// index: a struct has to have the first of them, without a gap.
func (s *Settings) AppendKey(b []byte, v any, names []string) ([]byte, error) {
	b, err := appendTuple(b, v, names, true, s.start())
	return b, s.written(err)
}

func appendTuple(b []byte, v any, names []string, isKey bool, depth int) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t == nil {
		return AppendNil(b), nil
	}
	isPointer := t.Kind() == reflect.Pointer
	if isPointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return appendValue(b, v, depth)
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
	s, p := plan.fields, rv.UnsafePointer()
	if s == nil || plan.marshals {
		return plan.encode(b, p, depth)
	}
	bound := s.bind(names)
	if err := s.fits(bound, p, isKey); err != nil {
		return b, err
	}
	return s.appendArray(b, p, bound, depth)
}

// fits reports why the struct that p points to can't be written by a binding.
func (s *structPlan) fits(bound *binding, p unsafe.Pointer, isKey bool) error {
	if bound.err != nil {
		return bound.err
	}
	for _, i := range bound.unbound { // what is in one would be lost
		if f := &s.fields[i]; !f.isZero(p) {
			return s.lacking(f, bound.names)
		}
	}
	if !isKey {
		return nil
	}
	gap := slices.Index(bound.fields, nil)
	if gap >= 0 && slices.ContainsFunc(bound.fields[gap:], func(f *fieldPlan) bool { return f != nil }) {
		return fmt.Errorf("%s lacks part %d of the key and has a later one: a key is the index's first parts", typeName(s.typ), gap+1)
	}
	return nil
}
