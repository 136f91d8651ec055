package memtx

import (
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/types"
)

// privilege is a set of rights, in the bits of the space _priv.
type privilege uint64

const (
	privRead    privilege = 1
	privWrite   privilege = 2
	privExecute privilege = 4
	privUsage   privilege = 16
	// PrivAll is what a user of full rights has, all but super: read, write,
	// execute, session, usage, create, drop and alter.
	PrivAll = 255
)

// User is a user or a role.
type User struct {
	ID      uint32
	Name    string
	Role    bool
	Auth    map[string][]byte // by the name of the method
	engine  *Engine
	grants  map[object]privilege
	hasRole map[uint32]struct{}
}

// object is what a privilege is for. The id is 0 for the universe, and also
// where all objects of a type are meant.
type object struct {
	typ string
	id  uint64
	all bool
}

const maxRoleDepth = 8

// access returns the rights that the user has, by itself and by its roles.
func (u *User) access(o object) privilege { return u.accessDepth(o, 0) }

func (u *User) accessDepth(o object, depth int) privilege {
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

var universe = object{typ: "universe"}

// can returns the rights that the user has on a space.
func (u *User) can(sp *SpaceDef) privilege {
	if sp.Owner == u.ID {
		return ^privilege(0)
	}
	return u.access(universe) | u.access(object{typ: "space", all: true}) |
		u.access(object{typ: "space", id: uint64(sp.ID)})
}

// checkAccess tells whether the user, nil for the server itself, may do
// something with a space.
func (e *Engine) checkAccess(u *User, sp *Space, p privilege) *Error {
	if u == nil || u.can(sp.Def)&p == p {
		return nil
	}
	if u.access(universe)&privUsage == 0 {
		return errAccessDenied("Usage", "universe", "", u.Name)
	}
	name := "Read"
	if p == privWrite {
		name = "Write"
	}
	return errAccessDenied(name, "space", sp.Def.Name, u.Name)
}

// CheckCall tells whether the user may call a function.
func (e *Engine) CheckCall(u *User, function string) *Error {
	if u.access(universe)&privExecute != 0 {
		return nil
	}
	return errAccessDenied("Execute", "function", function, u.Name)
}

// CheckEval tells whether the user may run code.
func (e *Engine) CheckEval(u *User) *Error {
	if u.access(universe)&privExecute != 0 {
		return nil
	}
	return errAccessDenied("Execute", "universe", "", u.Name)
}

// User finds a user by name, nil where there is none. Roles are not users.
func (e *Engine) User(name string) *User {
	if u := e.users[name]; u != nil && !u.Role {
		return u
	}
	return nil
}

func (e *Engine) userByID(id uint32) *User {
	for _, u := range e.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// CreateUser adds a user who can log in by the stored hashes given, with the
// role public. all gives it every right but that of the super user.
func (e *Engine) CreateUser(name string, auth map[string][]byte, all bool) *Error {
	if e.users[name] != nil {
		return Errorf(types.ErrUserExists, "User '%s' already exists", name)
	}
	id := uint32(32)
	for e.userByID(id) != nil {
		id++
	}
	row := mp.AppendArrayLen(nil, 7)
	row = mp.AppendUint(row, uint64(id))
	row = mp.AppendUint(row, 1)
	row = mp.AppendString(row, name)
	row = mp.AppendString(row, "user")
	row = mp.AppendMapLen(row, len(auth))
	for method, hash := range auth {
		row = mp.AppendString(row, method)
		row = mp.AppendStringBytes(row, hash)
	}
	row = mp.AppendArrayLen(row, 0)
	row = mp.AppendUint(row, 0)
	if _, err := e.Insert(nil, nil, &Change{Space: userID, Tuple: row}); err != nil {
		return err
	}
	rights := uint64(24) // session, usage
	if all {
		rights = PrivAll
	}
	if err := e.grant(id, "role", 2, uint64(privExecute)); err != nil {
		return err
	}
	return e.grant(id, "universe", 0, rights)
}

func (e *Engine) grant(user uint32, typ string, id, rights uint64) *Error {
	row := mp.AppendArrayLen(nil, 5)
	row = mp.AppendUint(row, 1)
	row = mp.AppendUint(row, uint64(user))
	row = mp.AppendString(row, typ)
	row = mp.AppendUint(row, id)
	row = mp.AppendUint(row, rights)
	_, err := e.Replace(nil, nil, &Change{Space: privID, Tuple: row})
	return err
}

// replaceUser follows a change of the space _user.
func (e *Engine) replaceUser(_ *Txn, _ *stmt, old, fresh *row) *Error {
	if old != nil && fresh == nil {
		delete(e.users, string(text(elements(old.data)[2])))
	}
	if fresh == nil {
		return nil
	}
	f := elements(fresh.data)
	name := string(text(f[2]))
	u := e.users[name]
	if u == nil {
		u = &User{engine: e, grants: make(map[object]privilege), hasRole: make(map[uint32]struct{})}
		e.users[name] = u
	}
	u.ID, u.Name, u.Role = uint32(readInteger(f[0]).abs), name, string(text(f[3])) == "role"
	u.Auth = make(map[string][]byte)
	if len(f) < 5 || typeOf(f[4]) != mp.TypeMap {
		return nil
	}
	n, rest := mapping(f[4])
	for range n {
		var k, v []byte
		k, rest = next(rest)
		v, rest = next(rest)
		if typeOf(k) == mp.TypeString && typeOf(v) == mp.TypeString {
			u.Auth[string(text(k))] = text(v)
		}
	}
	return nil
}

// replacePriv follows a change of the space _priv.
func (e *Engine) replacePriv(_ *Txn, _ *stmt, old, fresh *row) *Error {
	set := func(r *row, gone bool) {
		f := elements(r.data)
		u := e.userByID(uint32(readInteger(f[1]).abs))
		if u == nil {
			return
		}
		o := object{typ: string(text(f[2]))}
		switch typeOf(f[3]) {
		case mp.TypeUint:
			o.id = readInteger(f[3]).abs
		default:
			o.all = true
		}
		p := privilege(readInteger(f[4]).abs)
		switch {
		case o.typ == "role" && gone:
			delete(u.hasRole, uint32(o.id))
		case o.typ == "role":
			u.hasRole[uint32(o.id)] = struct{}{}
		case gone:
			delete(u.grants, o)
		default:
			u.grants[o] = p
		}
	}
	if old != nil {
		set(old, true)
	}
	if fresh != nil {
		set(fresh, false)
	}
	return nil
}

// GrantSuper gives a user every right.
func (e *Engine) GrantSuper(name string) {
	if u := e.users[name]; u != nil {
		_ = e.grant(u.ID, "role", 31, uint64(privExecute)) // the row is well formed
	}
}
