package memtx

import (
	"strconv"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

func (e *Engine) grant(user uint32, typ string, id uint64, rights Privilege) *Error {
	row := mp.AppendArrayLen(nil, 5)
	row = mp.AppendUint(row, 1)
	row = mp.AppendUint(row, uint64(user))
	row = mp.AppendString(row, typ)
	row = mp.AppendUint(row, id)
	row = mp.AppendUint(row, uint64(rights))
	_, err := e.Replace(nil, nil, &Change{Space: privID, Tuple: row})
	return err
}

// grantDef is a row of _priv: what a user or role was granted.
type grantDef struct {
	grantor, grantee uint32
	object           object
	rights           Privilege
}

func parseGrant(data []byte) grantDef {
	f := elements(data)
	g := grantDef{
		grantor: uint32(readInteger(f[0]).abs), grantee: uint32(readInteger(f[1]).abs),
		object: object{typ: string(text(f[2]))}, rights: Privilege(readInteger(f[4]).abs),
	}
	switch typeOf(f[3]) {
	case mp.TypeUint:
		g.object.id = readInteger(f[3]).abs
	case mp.TypeString:
		g.object.name = string(text(f[3]))
		g.object.all = g.object.name == ""
	default:
		g.object.all = true
	}
	return g
}

// replacePriv follows a change of the space _priv.
func (e *Engine) replacePriv(_ *Txn, s *stmt, old, fresh *row) *Error {
	undo := func() {}
	if old != nil {
		g := parseGrant(old.data)
		if fresh == nil {
			if err := e.checkGrant(s.user, g, true); err != nil {
				return err
			}
			e.setRights(g, 0)
		}
		undo = func() { e.setRights(g, g.rights) }
	}
	if fresh != nil {
		g := parseGrant(fresh.data)
		if err := e.checkGrant(s.user, g, false); err != nil {
			return err
		}
		e.setRights(g, g.rights)
		if old == nil {
			undo = func() { e.setRights(g, 0) }
		}
	}
	s.ddl = &ddlUndo{undo}
	return nil
}

// setRights makes p the rights that the grantee has on the object. To execute
// a role is to have it.
func (e *Engine) setRights(g grantDef, p Privilege) {
	u := e.userByID(g.grantee)
	if u == nil {
		return
	}
	if g.object.typ == "role" && !g.object.all {
		delete(u.hasRole, uint32(g.object.id))
		if p&PrivExecute != 0 {
			u.hasRole[uint32(g.object.id)] = struct{}{}
		}
		p &^= PrivExecute
	}
	if p == 0 {
		delete(u.grants, g.object)
		return
	}
	u.grants[g.object] = p
}

// checkGrant reports whether the user, nil for the server itself, may grant or
// revoke so. It takes the owner of the object or somebody who may grant.
func (e *Engine) checkGrant(by *User, g grantDef, revoke bool) *Error {
	grantee := e.userByID(g.grantee)
	switch {
	case e.userByID(g.grantor) == nil:
		return ErrNoSuchUser(strconv.FormatUint(uint64(g.grantor), 10))
	case grantee == nil:
		return ErrNoSuchUser(strconv.FormatUint(uint64(g.grantee), 10))
	}
	name, owner, err := e.granted(g, grantee)
	if err != nil {
		return err
	}
	need := Privilege(0)
	if g.rights&^(PrivGrant|PrivMetagrant) != 0 {
		need |= PrivGrant
	}
	if g.rights&(PrivGrant|PrivMetagrant) != 0 {
		need |= PrivMetagrant
	}
	if err := e.checkDDL(by, name, owner, g.object, need); err != nil {
		return err
	}
	switch {
	case by != nil && by == grantee && by.ID != adminID && by.ID != owner:
		return ErrGrant("only object owner or admin can grant oneself")
	case g.rights == 0:
		return ErrGrant("the grant tuple has no privileges")
	case grantee.ID == adminID && g.object == universe && (revoke || g.rights != PrivSuper):
		return ErrGrant("can't revoke universe from the admin user")
	}
	return nil
}

// noOwner is the owner of what belongs to nobody.
const noOwner = ^uint32(0)

// granted returns the name and the owner of the object of a grant.
func (e *Engine) granted(g grantDef, grantee *User) (name string, owner uint32, err *Error) {
	id := uint32(g.object.id)
	if g.object.all {
		return "", noOwner, nil
	}
	switch g.object.typ {
	case "space":
		sp, err := e.Space(id)
		if err != nil {
			return "", 0, err
		}
		return sp.Def.Name, sp.Def.Owner, nil
	case "user":
		u := e.userByID(id)
		if u == nil || u.Role {
			return "", 0, ErrNoSuchUser(nameOr(u, id))
		}
		return u.Name, u.Owner, nil
	case "role":
		role := e.userByID(id)
		switch {
		case role == nil || !role.Role:
			return "", 0, ErrNoSuchRole(nameOr(role, id))
		case grantee == role || role.has(grantee, 0):
			return "", 0, with(Errorf(errcode.RoleLoop, "Granting role '%s' to role '%s' would create a loop", role.Name, grantee.Name),
				"role", role.Name, "grantee", grantee.Name)
		case id == publicID && g.rights == PrivExecute:
			return role.Name, g.grantor, nil // everybody may grant it
		}
		return role.Name, role.Owner, nil
	}
	return "", noOwner, nil
}

// has reports whether the user has a role, by itself or by another one.
func (u *User) has(role *User, depth int) bool {
	if _, ok := u.hasRole[role.ID]; ok {
		return true
	}
	if depth == maxRoleDepth {
		return false
	}
	for id := range u.hasRole {
		if r := u.engine.userByID(id); r != nil && r.has(role, depth+1) {
			return true
		}
	}
	return false
}

func nameOr(u *User, id uint32) string {
	if u == nil {
		return strconv.FormatUint(uint64(id), 10)
	}
	return u.Name
}

// ErrNoSuchUser is that of a name which no user has.
func ErrNoSuchUser(name string) *Error {
	return with(Errorf(errcode.NoSuchUser, "User '%s' is not found", name), "user", name)
}

// ErrNoSuchRole is that of a name which no role has.
func ErrNoSuchRole(name string) *Error {
	return with(Errorf(errcode.NoSuchRole, "Role '%s' is not found", name), "role", name)
}

// ErrGrant is that of a grant that makes no sense.
func ErrGrant(why string) *Error {
	return with(Errorf(errcode.Grant, "Incorrect grant arguments: %s", why), "details", why)
}
