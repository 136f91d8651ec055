package mp

import (
	"reflect"
	"unsafe"
)

// Fields of structs that are embedded by a pointer are reached by that. When a
// struct is read its embedded pointers are nil at first, and a value that is not
// nil makes what they point to: so what was written as nil, because there was
// nothing, is nothing again.

// reach returns where the field is in the struct that p points to, nil where one
// of the pointers on the way is.
func (f *fieldPlan) reach(p unsafe.Pointer) unsafe.Pointer {
	for _, step := range f.path {
		p = *(*unsafe.Pointer)(unsafe.Add(p, step.offset))
		if p == nil {
			return nil
		}
	}
	return unsafe.Add(p, f.offset)
}

// make is reach that makes what pointers that are nil should point to.
func (f *fieldPlan) make(p unsafe.Pointer) unsafe.Pointer {
	for _, step := range f.path {
		ptr := (*unsafe.Pointer)(unsafe.Add(p, step.offset))
		if *ptr == nil {
			*ptr = reflect.New(step.elem).UnsafePointer()
		}
		p = *ptr
	}
	return unsafe.Add(p, f.offset)
}

// decodeEmbedded reads a field behind embedded pointers.
func (f *fieldPlan) decodeEmbedded(r *Reader, p unsafe.Pointer) {
	if r.Type() == TypeNil && f.reach(p) == nil {
		r.Nil()
		return
	}
	f.plan.decode(r, f.make(p))
}

// forget makes the embedded pointers nil. What they pointed to stays as it is:
// a copy of the row that was read before may share it.
func (s *structPlan) forget(p unsafe.Pointer) {
	for _, offset := range s.embedded {
		*(*unsafe.Pointer)(unsafe.Add(p, offset)) = nil
	}
}

// noteEmbedded fills in what the struct's embedded pointers are, and how the
// fields behind them are read.
func (s *structPlan) noteEmbedded() {
	seen := map[uintptr]bool{}
	for i := range s.fields {
		f := &s.fields[i]
		if len(f.path) == 0 {
			continue
		}
		if first := f.path[0].offset; !seen[first] {
			seen[first] = true
			s.embedded = append(s.embedded, first)
		}
	}
}
