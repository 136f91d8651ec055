package memtx

import "strings"

// object is what a privilege is for.
type object struct {
	typ  string
	id   uint64 // 0 for the universe and the like, of which there is one
	name string // of a Lua function, which has no id
	all  bool   // all objects of the type
}

var universe = object{typ: "universe"}

const maxRoleDepth = 8

// access returns the rights that the user has, by itself and by its roles.
func (u *User) access(o object) Privilege { return u.accessDepth(o, 0) }

func (u *User) accessDepth(o object, depth int) Privilege {
	p := u.grants[o]
	if depth == maxRoleDepth {
		return p
	}
	for id := range u.hasRole {
		if role := u.engine.userByID(id); role != nil {
			p |= role.accessDepth(o, depth+1)
		}
	}
	return p
}

// can returns the rights that the user has on a space.
func (u *User) can(sp *SpaceDef) Privilege {
	if sp.Owner == u.ID {
		return ^Privilege(0)
	}
	return u.access(universe) | u.access(object{typ: "space", all: true}) |
		u.access(object{typ: "space", id: uint64(sp.ID)})
}

// checkAccess reports whether the user, nil for the server itself, may do
// something with a space.
func (e *Engine) checkAccess(u *User, sp *Space, p Privilege) *Error {
	if u == nil || u.can(sp.Def)&p == p {
		return nil
	}
	if u.access(universe)&PrivUsage == 0 {
		return errAccessDenied(PrivUsage.String(), "universe", "", u.Name)
	}
	return errAccessDenied(p.String(), "space", sp.Def.Name, u.Name)
}

// CheckUniverse reports whether the user may do something with all there is.
func (e *Engine) CheckUniverse(u *User, p Privilege) *Error {
	if missing := p &^ u.access(universe); missing != 0 {
		return errAccessDenied(missing.String(), "universe", "", u.Name)
	}
	return nil
}

// CheckSpace reports whether the user may do something with a space.
func (e *Engine) CheckSpace(u *User, id uint32, p Privilege) *Error {
	sp, err := e.Space(id)
	if err != nil {
		return err
	}
	return e.checkAccess(u, sp, p)
}

// checkDDL reports whether the user, nil for the server itself, may make, change
// or grant an object of that owner. An owner may do all but make it.
func (e *Engine) checkDDL(u *User, name string, owner uint32, o object, need Privilege) *Error {
	if u == nil {
		return nil
	}
	isOwner := owner == u.ID || u.ID == adminID
	if need = (PrivUsage | need) &^ u.access(universe); need == 0 {
		return nil
	}
	need &^= u.access(object{typ: o.typ, all: true})
	if need == 0 || isOwner && need&(PrivUsage|PrivCreate) == 0 {
		return nil
	}
	if need&PrivUsage != 0 {
		return errAccessDenied(PrivUsage.String(), "universe", "", u.Name)
	}
	if need &^= u.access(o); need == 0 {
		return nil
	}
	return errAccessDenied(need.String(), o.typ, name, u.Name)
}

// CheckCall reports whether the user may call a function. That to call all
// functions of Lua does not extend to those of box.
func (e *Engine) CheckCall(u *User, function string) *Error {
	need := (PrivExecute | PrivUsage) &^ u.access(universe)
	all := u.access(object{typ: "lua_call", all: true})
	switch {
	case need == 0,
		need&^all == 0 && !strings.HasPrefix(function, "box."),
		need&PrivUsage == 0 && u.access(object{typ: "lua_call", name: function})&PrivExecute != 0:
		return nil
	}
	return errAccessDenied(PrivExecute.String(), "function", function, u.Name)
}

// CheckSQL reports whether the user may execute statements of SQL.
func (e *Engine) CheckSQL(u *User) *Error {
	if (PrivExecute|PrivUsage)&^(u.access(universe)|u.access(object{typ: "sql"})) == 0 {
		return nil
	}
	return errAccessDenied(PrivExecute.String(), "sql", "", u.Name)
}

// CheckEval reports whether the user may run code.
func (e *Engine) CheckEval(u *User) *Error {
	if (PrivExecute|PrivUsage)&^(u.access(universe)|u.access(object{typ: "lua_eval"})) == 0 {
		return nil
	}
	return errAccessDenied(PrivExecute.String(), "universe", "", u.Name)
}
