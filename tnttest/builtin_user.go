package tnttest

import (
	"errors"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// Users and roles that every server has.
const (
	guestID  = 0
	adminID  = 1
	lastID   = 31 // of those that can't be dropped
	roleKind = "role"
	userKind = "user"
)

// registerUsers registers box.schema.user and box.schema.role.
func (s *Server) registerUsers() {
	for _, kind := range []string{userKind, roleKind} {
		for name, f := range map[string]func(c *schemaCall, kind string) ([]any, error){
			"create": createAccount, "drop": dropAccount, "exists": accountExists,
			"info": accountInfo, "grant": callGrant, "revoke": callRevoke,
		} {
			s.handleSchema("box.schema."+kind+"."+name, func(c *schemaCall) ([]any, error) { return f(c, kind) })
		}
	}
	s.handleSchema("box.schema.user.passwd", callPasswd)
}

// account finds a user or a role, whichever has the name. It returns a nil
// tuple where there is none.
func (c *schemaCall) account(name string) ([]any, error) {
	found, err := c.find(vuserID, byName, name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// resolve finds a user, or a role.
func (c *schemaCall) resolve(name, kind string) (id uint64, ok bool, err error) {
	tuple, err := c.account(name)
	if tuple == nil || err != nil || tuple[3] != kind {
		return 0, false, err
	}
	return number(tuple[0]), true, nil
}

// mustResolve is resolve where the first argument is the name and it is an
// error that there is no such user or role.
func (c *schemaCall) mustResolve(kind string) (id uint64, name string, err error) {
	if name, err = c.name(); err != nil {
		return 0, "", err
	}
	id, ok, err := c.resolve(name, kind)
	if err == nil && !ok {
		err = errNoSuch(kind, name)
	}
	return id, name, err
}

func errNoSuch(kind, name string) error {
	if kind == roleKind {
		return memtx.ErrNoSuchRole(name)
	}
	return memtx.ErrNoSuchUser(name)
}

func createAccount(c *schemaCall, kind string) ([]any, error) {
	name, err := c.name()
	if err != nil {
		return nil, err
	}
	known := map[string]string{"if_not_exists": "boolean"}
	if kind == userKind {
		known["password"] = "string"
	}
	opts, err := c.options(1, known)
	if err != nil {
		return nil, err
	}
	switch there, err := c.account(name); {
	case err != nil:
		return nil, err
	case there != nil && opts["if_not_exists"] == true:
		return nil, nil
	case there != nil:
		return nil, errExists(kind, name)
	}
	auth := map[string][]byte{}
	if password, ok := opts["password"].(string); ok {
		if auth, err = hashes(password); err != nil {
			return nil, err
		}
	}
	id, err := c.addAccount(name, kind, auth)
	if err != nil || kind == roleKind {
		return nil, err
	}
	return nil, c.grantNewUser(id, name)
}

func errExists(kind, name string) error {
	e := memtx.Errorf(errcode.UserExists, "User '%s' already exists", name)
	if kind == roleKind {
		e = memtx.Errorf(errcode.RoleExists, "Role '%s' already exists", name)
	}
	e.SetField(kind, name)
	return e
}

// addAccount writes the tuple of a user or role, with the next id.
func (c *schemaCall) addAccount(name, kind string, auth map[string][]byte) (id uint64, err error) {
	last, err := c.read(&memtx.Select{Space: userID, Iterator: uint64(memtx.IterLE), Limit: 1}, nil)
	if err != nil {
		return 0, err
	}
	id = number(last[0][0]) + 1
	return id, c.write(userID, id, c.callerID(), name, kind, asStrings(auth), []any{}, c.srv.clock.Now().Unix())
}

// asStrings makes strings of hashes, as the space _user has them.
func asStrings(auth map[string][]byte) map[string]string {
	m := make(map[string]string, len(auth))
	for method, hash := range auth {
		m[method] = string(hash)
	}
	return m
}

// grantNewUser grants what every user has.
func (c *schemaCall) grantNewUser(id uint64, name string) error {
	if err := c.grant(id, name, privArgs{privilege: "execute", objectType: roleKind, object: "public"}); err != nil {
		return err
	}
	if err := c.grant(id, name, privArgs{privilege: "alter", objectType: userKind, object: name}); err != nil {
		return err
	}
	return c.asServer(func() error {
		return c.grant(id, name, privArgs{privilege: "session,usage", objectType: "universe", lenient: true})
	})
}

func accountExists(c *schemaCall, kind string) ([]any, error) {
	name, err := c.name()
	if err != nil {
		return nil, err
	}
	_, ok, err := c.resolve(name, kind)
	return []any{ok}, err
}

func dropAccount(c *schemaCall, kind string) ([]any, error) {
	opts, err := c.options(1, map[string]string{"if_exists": "boolean"})
	if err != nil {
		return nil, err
	}
	id, name, err := c.mustResolve(kind)
	switch {
	case opts["if_exists"] == true && (errors.Is(err, errcode.NoSuchUser) || errors.Is(err, errcode.NoSuchRole)):
		return nil, nil
	case err != nil:
		return nil, err
	case id <= lastID:
		return nil, errDrop(name, "the user or the role is a system")
	case id == uint64(c.self.ID):
		return nil, errDrop(name, "the user is active in the current session")
	}
	return nil, c.drop(id)
}

func errDrop(name, why string) error {
	e := memtx.Errorf(errcode.DropUser, "Failed to drop user or role '%s': %s", name, why)
	e.SetField("user", name)
	e.SetField("details", why)
	return e
}

// drop deletes a user or role with all that it has.
func (c *schemaCall) drop(id uint64) error {
	if err := c.dropSpaces(id); err != nil {
		return err
	}
	if err := c.removeGrants(roleKind, id); err != nil {
		return err
	}
	err := c.asServer(func() error {
		grants, err := c.find(vprivID, byID, id)
		for _, g := range grants {
			if err := c.remove(privID, g[1], g[2], g[3]); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.remove(userID, id)
}

func callPasswd(c *schemaCall) ([]any, error) {
	if c.arg(0) == nil {
		return nil, memtx.IllegalParams("Usage: box.schema.user.passwd([user,] password)")
	}
	if c.arg(1) == nil {
		password, ok := c.arg(0).(string)
		if !ok {
			return nil, errPassword()
		}
		return nil, c.asServer(func() error { return c.setPassword(uint64(c.self.ID), password) })
	}
	id, _, err := c.mustResolve(userKind)
	if err != nil {
		return nil, err
	}
	password, ok := c.arg(1).(string)
	if !ok {
		return nil, errPassword()
	}
	return nil, c.setPassword(id, password)
}

func errPassword() error { return errors.New("a password is a string") }

func (c *schemaCall) setPassword(id uint64, password string) error {
	if id == guestID && password != "" {
		return memtx.Errorf(errcode.GuestUserPassword, "Setting password for guest user has no effect")
	}
	auth, err := hashes(password)
	if err != nil {
		return err
	}
	key, err := appendTupleOf(nil, []any{id})
	if err != nil {
		return err
	}
	ops, err := mp.AppendValue(nil, []any{
		[]any{"=", 5, asStrings(auth)}, []any{"=", 6, []any{}}, []any{"=", 7, c.srv.clock.Now().Unix()},
	})
	if err != nil {
		return err
	}
	return c.change((*memtx.Engine).Update, &memtx.Change{Space: userID, Key: key, Ops: ops, IndexBase: 1})
}
