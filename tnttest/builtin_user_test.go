package tnttest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

type call struct {
	function string
	args     []any
}

func (c call) String() string { return fmt.Sprintf("%s%q", c.function, c.args) }

func calls(function string, args ...[]any) []call {
	list := make([]call, len(args))
	for i, a := range args {
		list[i] = call{"box.schema." + function, a}
	}
	return list
}

var (
	ifNotExists = map[string]any{"if_not_exists": true}
	ifExists    = map[string]any{"if_exists": true}
)

// userCalls are calls of box.schema.user and box.schema.role, one after
// another, by admin.
var userCalls = slices.Concat(
	calls("user.create", []any{"bob", map[string]any{"password": "secret"}}, []any{"bob"}, []any{"bob", ifNotExists},
		[]any{"public"}, []any{""}, []any{"a\nb"}, []any{"x", map[string]any{"password": 1}}, []any{"x", map[string]any{"nosuch": 1}},
		[]any{"x", 1}, []any{"x", []any{}}, []any{strings.Repeat("long", 20000)}),
	calls("user.exists", []any{"bob"}, []any{"public"}, []any{"nobody"}),
	calls("user.info", []any{"bob"}, []any{"nobody"}),
	calls("user.passwd", []any{"bob", "other"}, []any{"nobody", "other"}, []any{"guest", "other"}, []any{"guest", ""}, []any{"bob", ""}),
	calls("user.grant", []any{"bob", "read,write", "space", "tester"}, []any{"bob", "read", "space", "tester"},
		[]any{"bob", "read", "space", "tester", ifNotExists}, []any{"bob", "read", "space", "nosuch"}, []any{"bob", "nosuch", "space", "tester"},
		[]any{"bob", "read", "nosuch", "x"}, []any{"bob", "read", "universe"}, []any{"bob", "read", "universe", ""},
		[]any{"bob", "read", "space"}, []any{"bob", "write", "space", ""}, []any{"bob", "public"}, []any{"bob", "nosuch"},
		[]any{"bob", "execute", "role", "public"}, []any{"bob", "execute", "role", "replication"}, []any{"bob", "execute", "role", "bob"},
		[]any{"nobody", "read", "universe"}, []any{"bob", "execute", "function", "nosuch"}, []any{"bob", "execute", "function"},
		[]any{"bob", "read", "sequence", "nosuch"}, []any{"bob", "read", "sequence"}, []any{"bob", "alter", "user", "guest"},
		[]any{"bob", "alter", "user", "public"}, []any{"bob", "create", "user"}, []any{"bob", " READ; write", "universe"}, []any{"bob", "", "universe"},
		[]any{"bob", "writeread", "space", "tester"}, []any{"bob", "create,drop", "space", "tester", map[string]any{}}, []any{"public", "read", "universe"}),
	calls("user.info", []any{"bob"}),
	calls("user.revoke", []any{"bob", "read", "space", "tester"}, []any{"bob", "read", "space", "tester"}, []any{"bob", "read", "space", "tester", ifExists},
		[]any{"bob", "read,create", "space", "tester"}, []any{"bob", "replication"}, []any{"bob", "replication"}, []any{"bob", "nosuch"},
		[]any{"bob", "read", "universe"}, []any{"bob", "read", "universe"}, []any{"bob", "trigger", "universe", ""}, []any{"nobody", "read", "universe"}),
	calls("user.info", []any{"bob"}),
	calls("role.create", []any{"r1"}, []any{"r1"}, []any{"r1", ifNotExists}, []any{"bob"}, []any{"r2"}, []any{"r3", map[string]any{"password": "x"}}),
	calls("user.create", []any{"r1"}, []any{"r1", ifNotExists}),
	calls("role.exists", []any{"r1"}, []any{"bob"}, []any{"nosuch"}),
	calls("role.info", []any{"bob"}, []any{"r1"}),
	calls("role.grant", []any{"r1", "read", "space", "tester"}, []any{"r1", "read", "space", "tester"}, []any{"r1", "session", "universe"},
		[]any{"r1", "r1"}, []any{"r1", "r2"}, []any{"r1", "r2"}, []any{"r2", "r1"}, []any{"nosuch", "r1"}, []any{"bob", "r1"}),
	calls("role.info", []any{"r1"}),
	calls("user.grant", []any{"bob", "r1"}),
	calls("role.revoke", []any{"r1", "write", "space", "tester"}, []any{"r1", "read", "space", "tester"}),
	calls("role.drop", []any{"bob"}, []any{"public"}, []any{"super"}, []any{"r1"}, []any{"r1"}, []any{"r1", ifExists}, []any{"r1", map[string]any{"if_exists": 1}}),
	calls("user.info", []any{"bob"}),
	calls("user.drop", []any{"r2"}, []any{"admin"}, []any{"guest"}, []any{"bob"}, []any{"bob"}, []any{"bob", ifExists}),
	calls("role.info", []any{"r2"}),
	calls("role.drop", []any{"r2"}),
)

// callsOf3 are those that 2.6 answers in another way.
var callsOf3 = slices.Concat(
	calls("user.create", []any{"bob"}),
	calls("user.passwd", []any{}),
	calls("user.grant", []any{"bob", "execute", "lua_call", "fn"}, []any{"bob", "execute", "lua_call", "fn"}, []any{"bob", "execute", "lua_call"},
		[]any{"bob", "execute", "lua_eval"}, []any{"bob", "execute", "lua_eval"}, []any{"bob", "execute", "sql"}, []any{"bob", "read", "sql"},
		[]any{"bob", "execute", "space", "tester"}, []any{"bob", "grant,metagrant", "universe"}, []any{"admin", "read", "universe"},
		[]any{"bob", "reference", "space", "tester"}, []any{"bob", "read,nosuch", "space", "tester"}),
	calls("user.info", []any{"bob"}, []any{"admin"}),
	calls("user.drop", []any{"bob"}),
)

// callsOfAlice are calls by a user who may call functions, and from her grants
// on also do this and that.
var callsOfAlice = slices.Concat(
	calls("user.create", []any{"carol"}),
	calls("user.exists", []any{"alice"}, []any{"admin"}),
	calls("user.info", []any{"alice"}, []any{}, []any{"admin"}),
	calls("user.passwd", []any{"mine"}, []any{"alice", "mine"}, []any{"admin", "mine"}),
	calls("user.grant", []any{"alice", "read", "universe"}),
	calls("role.create", []any{"r1"}),
	calls("user.drop", []any{"admin"}, []any{"alice"}),
)

var grantsToAlice = [][]call{
	nil,
	calls("user.grant", []any{"alice", "read,write", "universe"}),
	calls("user.grant", []any{"alice", "create", "user"}),
	calls("user.grant", []any{"alice", "create,drop,alter", "universe"}),
}

// callsOfOwner are calls by a user who made others and owns no space.
var callsOfOwner = slices.Concat(
	calls("user.create", []any{"dave"}),
	calls("role.create", []any{"r2"}),
	calls("user.grant", []any{"dave", "r2"}, []any{"dave", "read", "universe"}, []any{"dave", "read", "space", "tester"},
		[]any{"dave", "read", "space"}, []any{"alice", "r2"}, []any{"alice", "read", "space", "tester"}, []any{"dave", "super"}),
	calls("role.grant", []any{"r2", "read", "space", "tester"}, []any{"r2", "public"}),
	calls("user.info", []any{"dave"}),
	calls("user.passwd", []any{"dave", "secret"}),
	calls("user.revoke", []any{"dave", "r2"}, []any{"dave", "session", "universe"}),
	calls("user.drop", []any{"dave"}),
	calls("role.drop", []any{"r2"}),
)

// callsOfLua are calls of functions without a right on the universe.
var (
	callsOfLua  = []call{{"fn", nil}, {"gn", nil}, {"box.schema.user.exists", []any{"admin"}}}
	grantsOfLua = [][]call{
		calls("user.create", []any{"eve", map[string]any{"password": "secret"}}),
		calls("user.grant", []any{"eve", "execute", "lua_call", "fn"}),
		calls("user.grant", []any{"eve", "execute", "lua_call", ""}),
		calls("user.grant", []any{"eve", "execute", "lua_call", "box.schema.user.exists"}),
		calls("user.revoke", []any{"eve", "execute", "lua_call"}),
	}
)

// The functions of box.schema answer as the real ones do.
func TestUsersAsTheRealOnes(t *testing.T) {
	programs, err := tarantool.Find()
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) == 0 {
		t.Skip("no real Tarantool on PATH nor in TARANTOOL")
	}
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) {
			real, err := tarantool.Start(p.Path, "function fn() return 1 end function gn() return 2 end "+
				"box.schema.space.create('tester', {id = 600}):create_index('pk')")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = real.Close() })
			srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
				ID: 600, Name: "tester", Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
			}))
			for i, name := range []string{"fn", "gn"} {
				if err := srv.HandleFunc(name, func() int { return i + 1 }); err != nil {
					t.Fatal(err)
				}
			}
			is3 := p.Version.AtLeast(3, 0, 0)
			compare := func(theirs, ours *tnt.Conn, list []call) {
				for _, c := range list {
					if want, got := answer(t, theirs, c, is3), answer(t, ours, c, is3); got != want {
						t.Errorf("%v\n  the real one answers %s\n  the embedded one     %s", c, want, got)
					}
				}
			}
			theirs, ours := asAdmin(t, real.Address), asAdmin(t, srv.Addr())
			compare(theirs, ours, userCalls)
			if !is3 {
				return // other rules of who may do what
			}
			compare(theirs, ours, callsOf3)
			compare(theirs, ours, slices.Concat(
				calls("user.create", []any{"alice", map[string]any{"password": "secret"}}),
				calls("user.grant", []any{"alice", "execute", "universe"})))
			both := func(user string) (theirs, ours *tnt.Conn) {
				return dial(t, tnt.Options{Address: real.Address, User: user, Password: "secret"}),
					dial(t, tnt.Options{Address: srv.Addr(), User: user, Password: "secret"})
			}
			theirAlice, ourAlice := both("alice")
			for _, grants := range grantsToAlice {
				compare(theirs, ours, grants)
				compare(theirAlice, ourAlice, callsOfAlice)
			}
			compare(theirAlice, ourAlice, callsOfOwner)
			compare(dial(t, tnt.Options{Address: real.Address}), dial(t, tnt.Options{Address: srv.Addr()}), callsOfOwner)
			compare(theirs, ours, calls("user.drop", []any{"alice"}, []any{"carol"}))
			for _, grants := range grantsOfLua {
				compare(theirs, ours, grants)
				theirEve, ourEve := both("eve")
				compare(theirEve, ourEve, callsOfLua)
			}
		})
	}
}

// asAdmin connects as admin, whom it gives a password.
func asAdmin(t *testing.T, address string) *tnt.Conn {
	t.Helper()
	guest := dial(t, tnt.Options{Address: address})
	if _, err := guest.Call(t.Context(), "box.schema.user.passwd", "admin", "s3cret"); err != nil {
		t.Fatal(err)
	}
	return dial(t, tnt.Options{Address: address, User: "admin", Password: "s3cret"})
}

func dial(t *testing.T, opts tnt.Options) *tnt.Conn {
	t.Helper()
	opts.ConnectOnce = true
	conn, err := tnt.ConnectOptions(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = conn.Disconnect(ctx)
	})
	return conn
}

// answer is what a call returns, or its error: the whole of it or, where words
// don't count, the code.
func answer(t *testing.T, conn *tnt.Conn, c call, words bool) string {
	t.Helper()
	resp, err := conn.Call(t.Context(), c.function, c.args...)
	if err == nil {
		data, err := resp.Data()
		return fmt.Sprint(data, err)
	}
	var e *tnt.Error
	switch {
	case !errors.As(err, &e):
		return err.Error()
	case !words:
		return e.Code.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %.200s", e.Type, e.Code, e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&b, " %s=%.200v", name, e.Fields[name])
	}
	return b.String()
}
