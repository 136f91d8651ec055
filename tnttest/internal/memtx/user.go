package memtx

import (
	"unicode"
	"unicode/utf8"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// User is a user or a role.
type User struct {
	ID      uint32
	Owner   uint32 // the user who made it
	Name    string
	Role    bool
	Auth    map[string][]byte // by the name of the method
	engine  *Engine
	grants  map[object]Privilege
	hasRole map[uint32]struct{}
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

// kind is the user's type in _user and in privileges: "user" or "role".
func (u *User) kind() string {
	if u.Role {
		return "role"
	}
	return "user"
}

// firstUserID is the least id of a user or role that is not the server's own.
const firstUserID = 32

// CreateUser adds a user who can log in by the stored hashes given, with the
// role public. all gives it every right but that of the super user.
func (e *Engine) CreateUser(name string, auth map[string][]byte, all bool) *Error {
	if e.users[name] != nil {
		return Errorf(errcode.UserExists, "User '%s' already exists", name)
	}
	id := uint32(firstUserID)
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
	rights := PrivSession | PrivUsage
	if all {
		rights = PrivAll
	}
	if err := e.grant(id, "role", publicID, PrivExecute); err != nil {
		return err
	}
	return e.grant(id, "universe", 0, rights)
}

// GrantSuper gives a user every right.
func (e *Engine) GrantSuper(name string) {
	if u := e.users[name]; u != nil {
		_ = e.grant(u.ID, "role", superID, PrivExecute) // the row is well formed
	}
}

// replaceUser follows a change of the space _user.
func (e *Engine) replaceUser(_ *Txn, s *stmt, old, fresh *row) *Error {
	var u *User
	if old != nil {
		u = e.userByID(uint32(readInteger(elements(old.data)[0]).abs))
	}
	switch {
	case fresh == nil && u == nil:
		return nil
	case fresh == nil:
		return e.dropUser(s, u)
	}
	def, err := parseUser(fresh.data)
	if err != nil {
		return err
	}
	if u == nil {
		if err := e.checkDDL(s.user, def.Name, def.Owner, object{typ: def.kind()}, PrivCreate); err != nil {
			return err
		}
		def.engine, def.grants, def.hasRole = e, make(map[object]Privilege), make(map[uint32]struct{})
		e.users[def.Name] = def
		s.ddl = &ddlUndo{func() { delete(e.users, def.Name) }}
		return nil
	}
	if err := e.checkDDL(s.user, def.Name, def.ID, object{typ: u.kind(), id: uint64(u.ID)}, PrivAlter); err != nil {
		return err
	}
	// Connections know the user by its address.
	before := *u
	e.redefine(u, def)
	s.ddl = &ddlUndo{func() { e.redefine(u, &before) }}
	return nil
}

// redefine gives a user another name and other secrets.
func (e *Engine) redefine(u, def *User) {
	delete(e.users, u.Name)
	u.ID, u.Owner, u.Name, u.Role, u.Auth = def.ID, def.Owner, def.Name, def.Role, def.Auth
	e.users[u.Name] = u
}

func (e *Engine) dropUser(s *stmt, u *User) *Error {
	if err := e.checkDDL(s.user, u.Name, u.Owner, object{typ: u.kind(), id: uint64(u.ID)}, PrivDrop); err != nil {
		return err
	}
	switch {
	case u.ID < firstUserID:
		return errDropUser(u.Name, "the user or the role is a system")
	case e.userHasData(s.txn, u):
		return errDropUser(u.Name, "the user has objects")
	}
	delete(e.users, u.Name)
	s.ddl = &ddlUndo{func() { e.users[u.Name] = u }}
	return nil
}

// userHasData reports whether the user has objects, gave or got privileges, or
// is a role that somebody has.
func (e *Engine) userHasData(t *Txn, u *User) bool {
	key := mp.AppendUint(mp.AppendArrayLen(nil, 1), uint64(u.ID))
	for _, owned := range []Select{{Space: spaceID, Index: 1}, {Space: funcID, Index: 1}, {Space: privID, Index: 1}, {Space: privID}} {
		owned.Iterator, owned.Limit, owned.Key = uint64(IterEq), 1, key
		if found, err := e.Select(t, nil, &owned); err == nil && len(found.Tuples) > 0 {
			return true
		}
	}
	for _, other := range e.users {
		if _, has := other.hasRole[u.ID]; has {
			return true
		}
	}
	return false
}

func errDropUser(name, why string) *Error {
	return with(Errorf(errcode.DropUser, "Failed to drop user or role '%s': %s", name, why), "user", name, "details", why)
}

// parseUser reads a row of _user.
func parseUser(data []byte) (*User, *Error) {
	f := elements(data)
	u := &User{
		ID: uint32(readInteger(f[0]).abs), Owner: uint32(readInteger(f[1]).abs),
		Name: string(text(f[2])), Auth: make(map[string][]byte),
	}
	fail := func(why string) *Error {
		return with(Errorf(errcode.CreateUser, "Failed to create user '%s': %s", u.Name, why), "user", u.Name, "details", why)
	}
	switch typ := string(text(f[3])); {
	case len(u.Name) > maxNameLen:
		u.Name = u.Name[:shownNameLen]
		return nil, fail("user name is too long")
	case typ != "user" && typ != "role":
		return nil, fail("unknown user type")
	case !isIdentifier(u.Name):
		return nil, with(Errorf(errcode.Identifier, "Invalid identifier '%s' (expected printable symbols only or it is too long)", u.Name), "value", u.Name)
	default:
		u.Role = typ == "role"
	}
	if len(f) < 5 || typeOf(f[4]) != mp.TypeMap {
		return u, nil
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
	return u, nil
}

// maxNameLen is the greatest length of a name, in bytes, and shownNameLen what
// the error shows of a longer one.
const (
	maxNameLen   = 65000
	shownNameLen = 64
)

// isIdentifier reports whether a name consists of printable characters.
func isIdentifier(name string) bool {
	for _, c := range name {
		if c == utf8.RuneError || unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return false
		}
	}
	return name != ""
}
