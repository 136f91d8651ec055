package tnt

import "sync"

// A request that is passed on as a Request has to live on the heap. The common
// ones borrow a place there, so that doing one costs no allocation.
var (
	selects  = sync.Pool{New: func() any { return new(Select) }}
	inserts  = sync.Pool{New: func() any { return new(Insert) }}
	replaces = sync.Pool{New: func() any { return new(Replace) }}
)

// borrow returns the request as a Request, to be given back once done.
func borrow[R Request](req R) Request {
	switch r := any(&req).(type) {
	case *Select:
		p := selects.Get().(*Select)
		*p = *r
		return p
	case *Insert:
		p := inserts.Get().(*Insert)
		*p = *r
		return p
	case *Replace:
		p := replaces.Get().(*Replace)
		*p = *r
		return p
	}
	return req
}

// giveBack ends the use of what borrow returned.
func giveBack(req Request) {
	switch r := req.(type) {
	case *Select:
		*r = Select{}
		selects.Put(r)
	case *Insert:
		*r = Insert{}
		inserts.Put(r)
	case *Replace:
		*r = Replace{}
		replaces.Put(r)
	}
}
