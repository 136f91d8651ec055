package soaktest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// scanned is how many rows the space soak_fixed has.
const scanned = 500

// Server is what is put under load.
type Server struct {
	Name string
	// Address is that of the server itself, for what is to meet no fault.
	Address string
	Version iproto.Version

	faults []fault
	close  func()
}

// Close ends the server.
func (s *Server) Close() { s.close() }

// has reports whether the server has streams and watchers.
func (s *Server) has() bool { return s.Version.AtLeast(2, 10, 0) }

const lua = `
local fiber = require('fiber')
function soak_echo(nonce, pad) return nonce, pad end
function soak_wait(nonce, seconds) fiber.sleep(seconds) return nonce end
function soak_push(nonce, n) for i = 1, n do box.session.push({nonce, i}) end return nonce end
function soak_keep(nonce) box.session.storage.nonce = nonce return nonce end
function soak_kept() return box.session.storage.nonce end
function soak_tell(key, n) if box.broadcast then box.broadcast(key, n) end end
for _, name in ipairs({'soak_rows', 'soak_pairs', 'soak_counters', 'soak_fixed'}) do
    local s = box.schema.space.create(name, {if_not_exists = true,
        format = {{name = 'id', type = 'unsigned'}, {name = 'nonce', type = 'unsigned'}}})
    s:create_index('pk', {parts = {{1, 'unsigned'}}, if_not_exists = true})
end
for i = 1, 500 do box.space.soak_fixed:replace({i, i * 3}) end
`

// Real starts a real server, which keeps what it acknowledged through a kill.
func Real(p tarantool.Program) (*Server, error) {
	srv, err := tarantool.StartDurable(p.Path, lua)
	if err != nil {
		return nil, err
	}
	s := &Server{Name: p.Version.String(), Address: srv.Address, Version: p.Version, close: func() { _ = srv.Close() }}
	s.faults = []fault{
		{"process killed and started", func(_ context.Context, r *run) error {
			srv.Kill()
			r.pause(200 * time.Millisecond)
			return srv.Run()
		}},
		{"process ended and started", func(_ context.Context, r *run) error {
			srv.Stop()
			r.pause(200 * time.Millisecond)
			return srv.Run()
		}},
		{"process stopped and continued", func(_ context.Context, r *run) error {
			srv.Pause()
			defer srv.Resume()
			r.pause(2 * time.Second)
			return nil
		}},
	}
	return s, nil
}

// Embedded starts the server of package tnttest.
func Embedded() (*Server, error) {
	opts := []tnttest.Option{tnttest.WithLogLimit(1)}
	for _, name := range []string{"soak_rows", "soak_pairs", "soak_counters", "soak_fixed"} {
		opts = append(opts, tnttest.WithSpace(tnttest.SpaceDef{
			Name:    name,
			Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "nonce", Type: "unsigned"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}))
	}
	srv, err := tnttest.Start(opts...)
	if err != nil {
		return nil, err
	}
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	for i := 1; i <= scanned; i++ {
		if err := srv.Space("soak_fixed").Insert(i, i*3); err != nil {
			return nil, err
		}
	}
	if err := handle(srv); err != nil {
		return nil, err
	}
	s := &Server{Name: "embedded", Address: addr.String(), Version: iproto.Version{Major: 3, Minor: 8}, close: func() { _ = srv.Close() }}
	for name, f := range map[string]tnttest.Fault{
		"answers late":                    {Late: 50 * time.Millisecond},
		"requests late":                   {Delay: 50 * time.Millisecond},
		"closed instead of executing":     {CloseBefore: true},
		"closed instead of answering":     {CloseAfter: true},
		"answers dropped":                 {Drop: true, Times: 5},
		"answers cut in two":              {Cut: true, Times: 5},
		"refused as read-only by the way": {Error: &types.Error{Code: errcode.Readonly, Message: "read-only"}, Times: 20},
	} {
		f.On = tnttest.AnyRequest
		s.faults = append(s.faults, fault{name, func(_ context.Context, r *run) error {
			remove := srv.Inject(f)
			defer remove()
			r.pause(200 * time.Millisecond)
			if f.Drop { // no server goes on after that: the requests count as in flight
				remove()
				for _, c := range srv.Connections() {
					c.Close()
				}
			}
			return nil
		}})
	}
	sortFaults(s.faults)
	return s, nil
}

// handle gives the embedded server the functions that a real one has in Lua.
func handle(srv *tnttest.Server) error {
	echo := func(c *tnttest.Call) ([]any, error) { return c.Args() }
	srv.Handle("soak_echo", echo)
	srv.Handle("soak_wait", func(c *tnttest.Call) ([]any, error) {
		args, err := c.Args()
		if err != nil || len(args) < 2 {
			return nil, err
		}
		seconds, _ := args[1].(float64)
		select {
		case <-time.After(time.Duration(seconds * float64(time.Second))):
		case <-c.Context().Done():
		}
		return args[:1], nil
	})
	srv.Handle("soak_push", func(c *tnttest.Call) ([]any, error) {
		args, err := c.Args()
		if err != nil || len(args) < 2 {
			return nil, err
		}
		n, _ := args[1].(int64)
		for i := int64(1); i <= n; i++ {
			if err := c.Push([]any{args[0], i}); err != nil {
				return nil, err
			}
		}
		return args[:1], nil
	})
	var kept sync.Map // by the numbers of the connections
	srv.Handle("soak_keep", func(c *tnttest.Call) ([]any, error) {
		args, err := c.Args()
		if err == nil {
			kept.Store(c.Conn().ID(), args[0])
			context.AfterFunc(c.Context(), func() { kept.Delete(c.Conn().ID()) })
		}
		return args, err
	})
	srv.Handle("soak_kept", func(c *tnttest.Call) ([]any, error) {
		v, _ := kept.Load(c.Conn().ID())
		return []any{v}, nil
	})
	srv.Handle("soak_tell", func(c *tnttest.Call) ([]any, error) {
		args, err := c.Args()
		if err != nil || len(args) < 2 {
			return nil, err
		}
		return nil, srv.Broadcast(fmt.Sprint(args[0]), args[1])
	})
	return srv.HandleExecute("SELECT ?", func(s *tnttest.Statement) (tnttest.SQLResult, error) {
		args, err := s.Args()
		if err != nil || len(args) == 0 {
			return tnttest.SQLResult{}, err
		}
		return tnttest.SQLResult{Columns: []tnttest.Column{{Name: "COLUMN_1", Type: "integer"}}, Rows: [][]any{{args[0]}}}, nil
	})
}
