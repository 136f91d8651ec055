package main

import (
	"context"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// spaces are described once, for the embedded server and for real ones.
var spaces = tnttest.Schema{Spaces: []tnttest.SpaceDef{
	{
		Name: "tour_users",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"},
			{Name: "name", Type: "string"},
			{Name: "age", Type: "unsigned", IsNullable: true},
		},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id"), tnttest.NonUniqueIndex("name", "name")},
	},
	{
		Name:    "tour_counters",
		Format:  []tnttest.Field{{Name: "name", Type: "string"}, {Name: "count", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "name")},
	},
	{
		Name:    "tour_accounts",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "balance", Type: "integer"}},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id")},
	},
}}

const selectName = `SELECT "name" FROM "tour_users" WHERE "id" = :id`

// embedded starts a server in this process, with the functions in Go.
func embedded() (*tnttest.Server, error) {
	srv, err := tnttest.Start(tnttest.WithSchema(spaces))
	if err != nil {
		return nil, err
	}
	type name struct {
		Name string `tnt:"name"`
	}
	for _, register := range []func() error{
		func() error { return srv.HandleFunc("tour_sum", func(a, b int) int { return a + b }) },
		func() error {
			return srv.HandleFunc("tour_report", func(c *tnttest.Call) (string, error) { return "done", c.Push("half") })
		},
		func() error {
			return srv.HandleFunc("tour_tell", func(value string) error { return srv.Broadcast("tour_config", value) })
		},
		func() error {
			return srv.HandleExecute(selectName, func(c *tnttest.Statement, id uint64) ([]name, error) {
				tuple, err := c.Space("tour_users").Get(id)
				if err != nil || tuple == nil {
					return nil, err
				}
				return []name{{tuple[1].(string)}}, nil
			})
		},
		func() error { _, err := srv.Listen("tcp", "127.0.0.1:0"); return err },
	} {
		if err := register(); err != nil {
			srv.Close()
			return nil, err
		}
	}
	return srv, nil
}

// functions are those of embedded in Lua.
const functions = `
function tour_sum(a, b) return a + b end
function tour_report() box.session.push('half') return 'done' end
function tour_tell(value) if box.broadcast then box.broadcast('tour_config', value) end end
for _, name in ipairs{'tour_users', 'tour_counters', 'tour_accounts'} do box.space[name]:truncate() end
`

// prepare makes the spaces and functions on a real server.
func prepare(ctx context.Context, conn *tnt.Conn) error {
	lua, err := spaces.Lua()
	if err != nil {
		return err
	}
	if _, err := conn.Eval(ctx, lua); err != nil {
		return err
	}
	_, err = conn.Eval(ctx, functions)
	return err
}
