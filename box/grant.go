package box

// Grant is privileges on an object, or on all objects of a type.
type Grant struct {
	// Privileges are names separated by commas: "read", "write", "execute",
	// "session", "usage", "create", "drop", "alter", "insert", ...
	Privileges string
	// ObjectType is "universe", "space", "function", "sequence", "user" or
	// "role"; since 3.0 also "lua_call", "lua_eval" and "sql". To grant a role
	// is to grant "execute" on it.
	ObjectType string
	// Object is the object's name, "" for all objects of the type.
	Object string
}
