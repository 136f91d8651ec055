package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// demoSpace is the space that the demonstration makes and drops again.
const demoSpace = "tnt_demo"

func newDemoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo [URL]",
		Short: "show the connector at work, on the embedded server or on the one at URL",
		Example: "  tnt demo\n" +
			"  tnt demo tarantool://alice:s3cret@127.0.0.1:3301",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			if len(args) == 1 {
				return runDemo(ctx, cmd.OutOrStdout(), args[0], nil)
			}
			server, err := startEmbedded()
			if err != nil {
				return err
			}
			defer server.Close()
			return runDemo(ctx, cmd.OutOrStdout(), server.Addr(), server)
		},
	}
}

// demo shows steps, each with the lines of Go that did it.
type demo struct {
	ctx      context.Context
	out      io.Writer
	conn     *tnt.Conn
	embedded *embedded // nil on a real server
}

// user is a row of the demonstration's space.
type user struct {
	ID   uint64
	Name string
	Age  int
}

// step is a part of the demonstration.
type step struct {
	title string
	code  string
	run   func(d *demo) (any, error)
}

func runDemo(ctx context.Context, out io.Writer, url string, server *embedded) (err error) {
	opts, err := tnt.ParseURL(url)
	if err != nil {
		return err
	}
	opts.ConnectOnce = true
	conn, err := tnt.ConnectOptions(ctx, opts)
	if err != nil {
		return err
	}
	defer conn.Close()
	what := "a real server"
	if server != nil {
		what = "the embedded server"
	}
	fmt.Fprintf(out, "conn, err := tnt.Connect(ctx, %q)\n  => %s, Tarantool %v, %v\n", opts.String(), what, conn.Version(), conn.Features())
	d := &demo{ctx: ctx, out: out, conn: conn, embedded: server}
	if err := d.prepare(); err != nil {
		return fmt.Errorf("making the space %s: %w", demoSpace, err)
	}
	defer func() { err = errors.Join(err, d.cleanUp()) }()
	for _, s := range steps {
		if err := d.show(s); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	return nil
}

func (d *demo) show(s step) error {
	fmt.Fprintf(d.out, "\n# %s\n\n", s.title)
	for line := range strings.SplitSeq(s.code, "\n") {
		fmt.Fprintf(d.out, "    %s\n", line)
	}
	result, err := s.run(d)
	var missing *tnt.FeatureError
	switch {
	case errors.As(err, &missing) || errors.Is(err, errOutOfScope):
		fmt.Fprintf(d.out, "  => not here: %v\n", err)
		return nil
	case err != nil:
		return err
	}
	fmt.Fprintf(d.out, "  => %v\n", result)
	return nil
}

// errOutOfScope is what a step returns that the embedded server has no part in.
var errOutOfScope = errors.New("the embedded server has no Lua and no SQL; give the URL of a real one")

var steps = []step{
	{
		"Insert", `conn.Insert(ctx, "tnt_demo", user{ID: 1, Name: "Alice", Age: 30})
conn.Insert(ctx, "tnt_demo", []any{2, "Bob", 25})
conn.Insert(ctx, "tnt_demo", map[string]any{"id": 3, "name": "Carol", "age": 41})`,
		func(d *demo) (any, error) {
			for _, tuple := range []any{user{ID: 1, Name: "Alice", Age: 30}, []any{2, "Bob", 25}, map[string]any{"id": 3, "name": "Carol", "age": 41}} {
				if _, err := d.conn.Insert(d.ctx, demoSpace, tuple); err != nil {
					return nil, err
				}
			}
			_, err := d.conn.Insert(d.ctx, demoSpace, user{ID: 1})
			return fmt.Sprintf("3 tuples; another with id 1 is refused: errors.Is(err, errcode.TupleFound) is %v", errors.Is(err, errcode.TupleFound)), nil
		},
	},
	{
		"Select by the name of an index", `tuples, err := conn.Select(ctx, "tnt_demo", tnt.K(1))
resp, err := conn.Do(ctx, tnt.Select{Space: "tnt_demo", Index: "name", Key: tnt.K("Bob")})`,
		func(d *demo) (any, error) {
			one, err := d.conn.Select(d.ctx, demoSpace, tnt.K(1))
			if err != nil {
				return nil, err
			}
			resp, err := d.conn.Do(d.ctx, tnt.Select{Space: demoSpace, Index: "name", Key: tnt.K("Bob")})
			if err != nil {
				return nil, err
			}
			bob, err := resp.Tuples()
			return fmt.Sprint(one, " and ", bob), err
		},
	},
	{
		"Select into structs", `users, err := tnt.All[user](ctx, conn, tnt.Select{Space: "tnt_demo", Iterator: iproto.IterGE, Key: tnt.K(2)})`,
		func(d *demo) (any, error) {
			users, err := tnt.All[user](d.ctx, d.conn, tnt.Select{Space: demoSpace, Iterator: iproto.IterGE, Key: tnt.K(2)})
			return fmt.Sprintf("%+v", users), err
		},
	},
	{
		"Update", `tuple, err := conn.Update(ctx, "tnt_demo", tnt.K(2), tnt.OpAdd(2, 1), tnt.OpAssign(1, "Robert"))`,
		func(d *demo) (any, error) {
			return d.conn.Update(d.ctx, demoSpace, tnt.K(2), tnt.OpAdd(2, 1), tnt.OpAssign(1, "Robert"))
		},
	},
	{
		"A transaction", `err := tnt.InTx(ctx, conn, func(s *tnt.Stream) error {
    if _, err := s.Delete(ctx, "tnt_demo", tnt.K(1)); err != nil {
        return err
    }
    return errors.New("changed my mind")
})`,
		func(d *demo) (any, error) {
			changed := errors.New("changed my mind")
			err := tnt.InTx(d.ctx, d.conn, func(s *tnt.Stream) error {
				if _, err := s.Delete(d.ctx, demoSpace, tnt.K(1)); err != nil {
					return err
				}
				return changed
			})
			if !errors.Is(err, changed) {
				return nil, err
			}
			rows, err := d.conn.Select(d.ctx, demoSpace, tnt.K(1))
			return fmt.Sprintf("%v, rolled back: %v", changed, rows), err
		},
	},
	{
		"Many requests in one write", `results := conn.Batch(ctx, tnt.Ping{}, tnt.Select{Space: "tnt_demo", Key: tnt.K(1)}, tnt.Select{Space: "tnt_demo", Key: tnt.K(3)})`,
		func(d *demo) (any, error) {
			rows := 0
			for _, result := range d.conn.Batch(d.ctx, tnt.Ping{}, tnt.Select{Space: demoSpace, Key: tnt.K(1)}, tnt.Select{Space: demoSpace, Key: tnt.K(3)}) {
				if result.Err != nil {
					return nil, result.Err
				}
				rows += result.Response.Len()
			}
			return fmt.Sprintf("3 answers, %d rows", rows), nil
		},
	},
	{
		"SQL", `row, err := tnt.One[struct{ Sum int }](ctx, conn, tnt.Execute{Statement: "SELECT ? + ? AS sum", Args: []any{40, 2}})`,
		func(d *demo) (any, error) {
			if d.embedded != nil {
				return nil, errOutOfScope
			}
			type row struct{ Sum int }
			r, err := tnt.One[row](d.ctx, d.conn, tnt.Execute{Statement: "SELECT ? + ? AS sum", Args: []any{40, 2}})
			return fmt.Sprintf("%+v", r), err
		},
	},
	{
		"A function that pushes", `call := conn.Go(ctx, tnt.Call{Function: "count", Args: []any{3}})
for push, err := range call.Pushes(ctx) { ... }
resp, err := call.Wait(ctx)`,
		pushes,
	},
	{
		"A lost connection", `err := conn.Reconnect(ctx)   // or the server goes away and comes back`,
		func(d *demo) (any, error) {
			if err := d.conn.Reconnect(d.ctx); err != nil {
				return nil, err
			}
			users, err := tnt.All[user](d.ctx, d.conn, tnt.Select{Space: demoSpace})
			return fmt.Sprintf("connected again, %d users", len(users)), err
		},
	},
	failoverStep,
}

func pushes(d *demo) (any, error) {
	var req tnt.Request = tnt.Eval{Expr: "for i = 1, ... do box.session.push(i) end return 'end'", Args: []any{3}}
	if d.embedded != nil {
		req = tnt.Call{Function: "count", Args: []any{3}}
	}
	future := d.conn.Go(d.ctx, req)
	var got []int
	for push, err := range future.Pushes(d.ctx) {
		if err != nil {
			return nil, err
		}
		var n int
		if err := push.Decode(&n); err != nil {
			return nil, err
		}
		got = append(got, n)
	}
	resp, err := future.Wait(d.ctx)
	if err != nil {
		return nil, err
	}
	data, err := resp.Data()
	return fmt.Sprintf("pushed %v, then returned %v", got, data), err
}

// prepare makes the space. On a real server that takes a user who may.
func (d *demo) prepare() error {
	if d.embedded != nil {
		return d.embedded.makeSpace(demoSpace)
	}
	_, err := d.conn.Eval(d.ctx, `
		local name = ...
		if box.space[name] then box.space[name]:drop() end
		local s = box.schema.space.create(name, {temporary = true, format = {
			{name = 'id', type = 'unsigned'}, {name = 'name', type = 'string'}, {name = 'age', type = 'unsigned'}}})
		s:create_index('primary', {parts = {{1, 'unsigned'}}})
		s:create_index('name', {parts = {{2, 'string'}}, unique = false})`, demoSpace)
	return err
}

func (d *demo) cleanUp() error {
	if d.embedded != nil {
		return nil
	}
	_, err := d.conn.Eval(d.ctx, `box.space[(...)]:drop()`, demoSpace)
	return err
}
