package tnttest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// pairs are statements that select two parameters.
var pairs = []string{"SELECT ? AS x, ? AS y", "SELECT :a AS x, :b AS y", "SELECT ? AS x, :a AS y", "SELECT $1 AS x, $2 AS y"}

// TestSQLParametersAsTheRealOnes binds parameters that are right and wrong, as a user who
// may execute SQL and as one who may not, and compares rows and errors with 3.x.
func TestSQLParametersAsTheRealOnes(t *testing.T) {
	programs, err := tarantool.Find()
	must(t, err)
	compared := false
	for _, p := range programs {
		if !p.Version.AtLeast(3, 0, 0) {
			continue
		}
		compared = true
		real, err := tarantool.Start(p.Path, "")
		must(t, err)
		t.Cleanup(func() { _ = real.Close() })
		srv := tnttest.Run(t)
		for _, statement := range pairs {
			must(t, srv.HandleExecute(statement, func(x, y any) (tnttest.SQLResult, error) {
				return tnttest.SQLResult{Columns: []tnttest.Column{{Name: "x"}, {Name: "y"}}, Rows: [][]any{{x, y}}}, nil
			}))
		}
		got, want := answersToPairs(t, srv.Addr()), answersToPairs(t, real.Address)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%v:\n  got  %s\n  want %s", p.Version, got[i], want[i])
			}
		}
	}
	if !compared {
		t.Skip("no real Tarantool of 3.0 or later in TARANTOOL")
	}
}

func answersToPairs(t *testing.T, address string) (all []string) {
	t.Helper()
	admin, err := tnt.Connect(t.Context(), address)
	must(t, err)
	defer func() { _ = admin.Close() }()
	_, err = admin.Call(t.Context(), "box.schema.user.create", "bob", map[string]any{"password": "s3cret"})
	must(t, err)
	bob, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: address, User: "bob", Password: "s3cret"})
	must(t, err)
	defer func() { _ = bob.Close() }()
	do := func(conn *tnt.Conn, req tnt.Request) {
		resp, err := conn.Do(t.Context(), req)
		answer := fmt.Sprint(err)
		var e *tnt.Error
		if errors.As(err, &e) {
			answer = fmt.Sprint(e.Type, e.Code, e.Message, e.Fields)
		} else if err == nil {
			rows, err := resp.Data()
			answer = fmt.Sprint(rows, err)
		}
		all = append(all, fmt.Sprintf("%+v: %s", req, answer))
	}
	a, b := tnt.Named("a", 1), tnt.Named("b", "text")
	for _, statement := range pairs {
		for _, args := range [][]any{nil, {1}, {1, 2}, {1, 2, 3}, {a, b}, {b, a}, {a}, {a, a}, {tnt.Named("nosuch", 1)}, {1, a}, {a, 1}, {1, 2, a}} {
			do(admin, tnt.Execute{Statement: statement, Args: args})
		}
		do(bob, tnt.Execute{Statement: statement})
		do(bob, tnt.Prepare{Statement: statement})
	}
	for _, conn := range []*tnt.Conn{admin, bob} {
		do(conn, tnt.Execute{ID: 12345})
		do(conn, tnt.Prepare{ID: 12345})
	}
	return all
}
