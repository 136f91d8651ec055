package memtx

import "github.com/gotnt/tnt/internal/mp"

// privSee are the rights of which each lets a user see what they are for.
const privSee = PrivRead | PrivWrite | PrivDrop | PrivAlter

// viewFilter returns which rows of a system view a user may see, nil for all.
func (e *Engine) viewFilter(view string) func(u *User, tuple []byte) bool {
	switch view {
	case "_vspace", "_vindex", "_vspace_sequence":
		return e.visible(view, "space", privSee, func(u *User, tuple []byte) bool {
			sp := e.spaces[uint32(numberAt(tuple, 0))]
			return sp != nil && (sp.Def.Owner == u.ID || u.access(object{typ: "space", id: uint64(sp.Def.ID)})&privSee != 0)
		})
	case "_vuser":
		return e.visible(view, "", privSee, func(u *User, tuple []byte) bool {
			other := e.userByID(uint32(numberAt(tuple, 0)))
			switch {
			case other == nil:
				return false
			case other == u, other.Owner == u.ID, other.ID == publicID:
				return true
			}
			_, has := u.hasRole[other.ID]
			return has || u.access(object{typ: other.kind(), all: true})&privSee != 0
		})
	case "_vpriv":
		return e.visible(view, "", privSee, func(u *User, tuple []byte) bool {
			return numberAt(tuple, 0) == uint64(u.ID) || numberAt(tuple, 1) == uint64(u.ID)
		})
	case "_vfunc":
		return e.visible(view, "function", privSee|PrivExecute, e.owned("function"))
	case "_vsequence":
		return e.visible(view, "sequence", privSee|PrivExecute, e.owned("sequence"))
	}
	return nil
}

// visible makes a filter of what a user sees of one row. It is not asked where
// the user sees all: by rights on the universe, on all objects of the type, or
// on the space that the view shows.
func (e *Engine) visible(view, typ string, enough Privilege, row func(u *User, tuple []byte) bool) func(*User, []byte) bool {
	every := enough
	if view != "_vpriv" {
		every |= PrivGrant
	}
	source := object{typ: "space", id: uint64(e.spacesByName["_"+view[2:]].Def.ID)}
	return func(u *User, tuple []byte) bool {
		return u == nil || u.access(universe)&every != 0 || u.access(object{typ: typ, all: true})&enough != 0 ||
			u.access(source)&PrivRead != 0 || row(u, tuple)
	}
}

// owned shows objects to their owner, and to who has rights on them.
func (e *Engine) owned(typ string) func(u *User, tuple []byte) bool {
	return func(u *User, tuple []byte) bool {
		return numberAt(tuple, 1) == uint64(u.ID) ||
			u.access(object{typ: typ, id: numberAt(tuple, 0)})&(privSee|PrivExecute) != 0
	}
}

// numberAt returns a field that is a number, 0 where it is none.
func numberAt(tuple []byte, i int) uint64 {
	_, rest := array(tuple)
	for ; i > 0; i-- {
		_, rest = next(rest)
	}
	if len(rest) == 0 || typeOf(rest) != mp.TypeUint {
		return 0
	}
	return readInteger(rest).abs
}
