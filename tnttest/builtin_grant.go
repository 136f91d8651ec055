package tnttest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// grantable are the privileges that each type of object can have.
var grantable = map[string]memtx.Privilege{
	"universe": memtx.PrivSuper,
	"lua_call": memtx.PrivExecute | memtx.PrivUsage,
	"lua_eval": memtx.PrivExecute | memtx.PrivUsage,
	"sql":      memtx.PrivExecute | memtx.PrivUsage,
	"space": memtx.PrivRead | memtx.PrivWrite | memtx.PrivUsage | memtx.PrivCreate | memtx.PrivDrop | memtx.PrivAlter |
		memtx.PrivReference | memtx.PrivTrigger | memtx.PrivInsert | memtx.PrivUpdate | memtx.PrivDelete,
	"sequence": memtx.PrivRead | memtx.PrivWrite | memtx.PrivUsage | memtx.PrivCreate | memtx.PrivAlter | memtx.PrivDrop,
	"function": memtx.PrivExecute | memtx.PrivUsage | memtx.PrivCreate | memtx.PrivDrop,
	"role":     memtx.PrivExecute | memtx.PrivUsage | memtx.PrivCreate | memtx.PrivDrop,
	"user":     memtx.PrivCreate | memtx.PrivAlter | memtx.PrivDrop,
}

// privArgs are the arguments of grant and revoke.
type privArgs struct {
	privilege, objectType, object string
	lenient                       bool // if_not_exists, if_exists
}

// privArgs reads the arguments after the name. A role can be granted as if it
// were a privilege.
func (c *schemaCall) privArgs(lenient string) (privArgs, error) {
	var a privArgs
	for i, to := range []*string{&a.privilege, &a.objectType, &a.object} {
		switch v := c.arg(i + 1).(type) {
		case nil:
		case string:
			*to = v
		default:
			return a, fmt.Errorf("the embedded server takes privileges and objects by their names, not %v", v)
		}
	}
	if c.arg(2) == nil && c.arg(3) == nil {
		a.privilege, a.objectType, a.object = "execute", roleKind, a.privilege
	}
	switch opts := c.arg(4).(type) {
	case nil, []any:
	case map[string]any:
		a.lenient = opts[lenient] == true
	default:
		return a, errors.New("the options are no table")
	}
	return a, nil
}

func callGrant(c *schemaCall, kind string) ([]any, error) {
	id, name, a, err := c.grantee(kind, "if_not_exists")
	if err != nil {
		return nil, err
	}
	return nil, c.grant(id, name, a)
}

func callRevoke(c *schemaCall, kind string) ([]any, error) {
	id, name, a, err := c.grantee(kind, "if_exists")
	if err != nil {
		return nil, err
	}
	return nil, c.revoke(id, name, a)
}

// grantee reads who is granted what.
func (c *schemaCall) grantee(kind, lenient string) (id uint64, name string, a privArgs, err error) {
	if id, name, err = c.mustResolve(kind); err != nil {
		return 0, "", a, err
	}
	if kind == roleKind {
		first, _ := c.arg(1).(string)
		first = strings.ToLower(first)
		if strings.Contains(first, "session") || strings.Contains(first, "usage") {
			return 0, "", a, memtx.ErrGrant("system privilege can not be granted to role")
		}
	}
	a, err = c.privArgs(lenient)
	return id, name, a, err
}

// resolveGrant checks the privileges and finds the object and what is granted on it.
func (c *schemaCall) resolveGrant(id uint64, a privArgs) (want memtx.Privilege, object any, old memtx.Privilege, err error) {
	allowed, ok := grantable[a.objectType]
	if !ok {
		e := memtx.Errorf(errcode.UnknownSchemaObject, "Unknown object type '%s'", a.objectType)
		e.SetField("value", a.objectType)
		return 0, nil, 0, e
	}
	if want = memtx.ParsePrivileges(a.privilege); want == 0 || want&^allowed != 0 {
		e := memtx.Errorf(errcode.UnsupportedPriv, "Unsupported %s privilege '%s'", a.objectType, a.privilege)
		e.SetField("object_type", a.objectType)
		e.SetField("privilege", a.privilege)
		return 0, nil, 0, e
	}
	if object, err = c.objectID(a.objectType, a.object); err != nil {
		return 0, nil, 0, err
	}
	granted, err := c.find(vprivID, byID, id, a.objectType, object)
	if err == nil && len(granted) > 0 {
		old = memtx.Privilege(number(granted[0][4]))
	}
	return want, object, old, err
}

func (c *schemaCall) grant(id uint64, name string, a privArgs) error {
	want, object, old, err := c.resolveGrant(id, a)
	switch {
	case err != nil:
		return err
	case want&^old != 0:
		return c.write(privID, c.callerID(), id, a.objectType, object, uint64(old|want))
	case a.lenient:
		return nil
	}
	if a.isRole() {
		return with(memtx.Errorf(errcode.RoleGranted, "User '%s' already has role '%s'", name, a.object), "user", name, "role", a.object)
	}
	on := a.objectType
	if !isSingle(a.objectType) {
		on += " '" + a.object + "'"
	}
	return with(memtx.Errorf(errcode.PrivGranted, "User '%s' already has %s access on %s", name, a.privilege, on),
		"user", name, "privilege", a.privilege, "object_type", a.objectType, "object", a.object)
}

func (c *schemaCall) revoke(id uint64, name string, a privArgs) error {
	unwanted, object, old, err := c.resolveGrant(id, a)
	switch left := old &^ unwanted; {
	case err != nil:
		return err
	case left == 0 && old != 0:
		return c.remove(privID, id, a.objectType, object)
	case left != old:
		granted, err := c.find(vprivID, byID, id, a.objectType, object)
		if err != nil {
			return err
		}
		return c.write(privID, granted[0][0], id, a.objectType, object, uint64(left))
	case a.lenient:
		return nil
	case a.isRole():
		return memtx.Errorf(errcode.RoleNotGranted, "User '%s' does not have role '%s'", name, a.object)
	}
	return memtx.Errorf(errcode.PrivNotGranted, "User '%s' does not have %s access on %s '%s'", name, a.privilege, a.objectType, a.object)
}

// isRole reports whether it is a role that is granted.
func (a privArgs) isRole() bool {
	return a.objectType == roleKind && a.object != "" && a.privilege == "execute"
}

// with adds names and values to an error's details.
func with(e *types.Error, pairs ...string) *types.Error {
	for i := 0; i < len(pairs); i += 2 {
		e.SetField(pairs[i], pairs[i+1])
	}
	return e
}

// isSingle tells of types of which there is one object.
func isSingle(objectType string) bool {
	return objectType == "universe" || objectType == "lua_eval" || objectType == "sql"
}

// views are where the objects of a type are found by name, and the error that
// one is not there.
var views = map[string]struct {
	id   uint32
	code errcode.Code
	text string
	key  string // of the name in the error's details
}{
	"space":    {vspaceID, errcode.NoSuchSpace, "Space '%s' does not exist", "space"},
	"function": {vfuncID, errcode.NoSuchFunction, "Function '%s' does not exist", "func"},
	"sequence": {vsequenceID, errcode.NoSuchSequence, "Sequence '%s' does not exist", "sequence"},
	"user":     {id: vuserID},
	"role":     {id: vuserID},
}

// objectID returns what stands for an object in _priv: its id, "" for all of
// the type, or the name of a Lua function.
func (c *schemaCall) objectID(objectType, name string) (any, error) {
	view, stored := views[objectType]
	switch {
	case isSingle(objectType):
		return 0, nil
	case !stored || name == "":
		return name, nil
	case view.id == vuserID:
		id, ok, err := c.resolve(name, objectType)
		if err == nil && !ok {
			err = errNoSuch(objectType, name)
		}
		return id, err
	}
	found, err := c.find(view.id, byName, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, with(memtx.Errorf(view.code, view.text, name), view.key, name)
	}
	return found[0][0], nil
}

func accountInfo(c *schemaCall, kind string) ([]any, error) {
	id := uint64(c.self.ID)
	if kind == roleKind || c.arg(0) != nil {
		var err error
		if id, _, err = c.mustResolve(kind); err != nil {
			return nil, err
		}
	}
	grants, err := c.find(vprivID, byID, id)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(grants))
	for i, g := range grants {
		objectType, _ := g[2].(string)
		name, err := c.objectName(objectType, g[3])
		if err != nil {
			return nil, err
		}
		list[i] = []any{strings.Join(memtx.Privilege(number(g[4])).Names(), ","), objectType, name}
	}
	return []any{list}, nil
}

// objectName is objectID the other way.
func (c *schemaCall) objectName(objectType string, id any) (string, error) {
	view, stored := views[objectType]
	name, isName := id.(string)
	switch {
	case isSingle(objectType):
		return "", nil
	case isName || !stored:
		return name, nil
	}
	found, err := c.find(view.id, byID, id)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s %v, which a privilege is for, is not there or may not be seen", objectType, id)
	}
	name, _ = found[0][2].(string)
	return name, nil
}
