// Package crudtest is a fake of a router with Tarantool's module crud on the
// embedded server, for tests of programs that use package crud:
//
//	srv := tnttest.Run(t)
//	fake := crudtest.Attach(srv)
//	err := fake.CreateSpace(tnttest.SpaceDef{Name: "users", Format: ..., Indexes: ...})
//	client := crud.New(conn)
//
// The spaces are those of the server itself, which a test reads and writes by
// srv.Space. It answers as crud 1.7.5 was recorded to, as far as one storage can:
// there are no statistics and no timeouts, and rollback_on_error does nothing.
package crudtest

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// bucketField is the field that crud fills in.
const bucketField = "bucket_id"

// Router is a fake of crud. Its methods are safe for concurrent use.
type Router struct {
	srv *tnttest.Server

	mu      sync.Mutex
	spaces  map[string]*space
	failing map[string]error // by function
}

type space struct {
	*tnttest.Space
	def    tnttest.SpaceDef
	names  []string
	bucket int // place of the field, -1 for none
}

// Buckets is how many buckets the fake has, which only their numbers tell.
const Buckets = 100

// Attach adds crud's functions to a server.
func Attach(srv *tnttest.Server) *Router {
	r := &Router{srv: srv, spaces: make(map[string]*space), failing: make(map[string]error)}
	for name, fn := range map[string]function{
		"insert": r.insert, "insert_object": r.insert, "insert_many": r.many, "insert_object_many": r.many,
		"replace": r.insert, "replace_object": r.insert, "replace_many": r.many, "replace_object_many": r.many,
		"upsert": r.upsert, "upsert_object": r.upsert, "upsert_many": r.many, "upsert_object_many": r.many,
		"get": r.get, "update": r.update, "delete": r.delete, "select": r.selectRows, "min": r.border, "max": r.border,
		"count": r.count, "len": r.length, "truncate": r.truncate, "schema": r.schema, "storage_info": r.storageInfo, "stats": r.stats,
	} {
		srv.Handle("crud."+name, func(c *tnttest.Call) ([]any, error) { return r.serve(c, name, fn) })
	}
	return r
}

// CreateSpace adds a sharded space. Its format should have a field bucket_id,
// which is filled in.
func (r *Router) CreateSpace(def tnttest.SpaceDef) error {
	if err := r.srv.CreateSpace(def); err != nil {
		return err
	}
	def, err := def.Resolved()
	if err != nil {
		return err
	}
	s := &space{Space: r.srv.Space(def.Name), def: def, bucket: -1}
	for i, f := range def.Format {
		s.names = append(s.names, f.Name)
		if f.Name == bucketField {
			s.bucket = i
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spaces[def.Name] = s
	return nil
}

// Fail makes a function of crud, such as "insert", return an error of a class
// from now on; with an empty class it works again.
func (r *Router) Fail(function, class, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failing, function)
	if class != "" {
		r.failing[function] = &failure{class, text}
	}
}

// function serves a call of crud's.
type function func(c *call) ([]any, error)

// call is a call on its way: its name, the space and the arguments behind it.
type call struct {
	name  string
	space *space
	args  []any
	opts  map[string]any
}

func (c *call) arg(i int) any {
	if i < len(c.args) {
		return c.args[i]
	}
	return nil
}

func (c *call) flag(name string) bool { return c.opts[name] == true }

// failure is an error that crud returns.
type failure struct{ class, text string }

func (f *failure) Error() string { return f.class + ": " + f.text }

func (f *failure) answer() map[string]any {
	return map[string]any{"class_name": f.class, "err": f.text, "str": f.Error(), "file": "crud.lua", "line": 1}
}

// optionsAt is which argument behind the space's name holds the options.
var optionsAt = map[string]int{
	"update": 2, "upsert": 2, "upsert_object": 2, "len": 0, "truncate": 0, "schema": 0, "storage_info": -1, "stats": -1,
}

// spaceless are functions that need no space.
var spaceless = []string{"schema", "storage_info", "stats"}

func (r *Router) serve(c *tnttest.Call, name string, fn function) ([]any, error) {
	args, err := c.Args()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &call{name: name}
	spaceName := ""
	if len(args) > 0 {
		spaceName, _ = args[0].(string)
		q.args = args[1:]
	}
	at, ok := optionsAt[name]
	if !ok {
		at = 1
	}
	if at >= 0 && at < len(q.args) {
		if q.opts, ok = q.args[at].(map[string]any); !ok {
			return nil, &types.Error{Type: "LuajitError", Code: errcode.ProcLua, Message: "crud.lua:203: 'void *' has no member named 'vshard_router'"}
		}
	}
	if q.space = r.spaces[spaceName]; q.space == nil && !slices.Contains(spaceless, name) {
		return refuse(q, &failure{classOf(name), fmt.Sprintf("Space %q doesn't exist", spaceName)}), nil
	}
	if failing := r.failing[name]; failing != nil {
		return refuse(q, failing), nil
	}
	results, err := fn(q)
	var own *failure
	if errors.As(err, &own) {
		return refuse(q, own), nil
	}
	return results, err
}

// refuse is the answer of a function that failed: those for many have a list of
// errors.
func refuse(q *call, err error) []any {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{classOf(q.name), err.Error()}
	}
	if isMany(q.name) {
		return []any{nil, []any{f.answer()}}
	}
	return []any{nil, f.answer()}
}

var classes = map[string]string{
	"insert": "InsertError", "insert_object": "InsertError", "insert_many": "InsertManyError", "insert_object_many": "InsertManyError",
	"replace": "ReplaceError", "replace_object": "ReplaceError", "replace_many": "ReplaceManyError", "replace_object_many": "ReplaceManyError",
	"upsert": "UpsertError", "upsert_object": "UpsertError", "upsert_many": "UpsertManyError", "upsert_object_many": "UpsertManyError",
	"get": "GetError", "update": "UpdateError", "delete": "DeleteError", "select": "SelectError", "min": "BorderError", "max": "BorderError",
	"count": "CountError", "len": "LenError", "truncate": "TruncateError", "schema": "SchemaError",
}

func classOf(name string) string { return classes[name] }

// bucketOf is the bucket of a key, for keys of strings and small integers that
// of vshard's strcrc32.
func bucketOf(key []any) uint32 {
	var text []byte
	for _, part := range key {
		text = fmt.Append(text, part)
	}
	return ^crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))%Buckets + 1
}
