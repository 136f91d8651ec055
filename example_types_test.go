package tnt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/tnttest"
)

// A function of Lua's that fails returns nil and why: both are to be had.
func ExampleTwo() {
	srv, err := tnttest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	srv.Handle("find_user", func(*tnttest.Call) ([]any, error) { return []any{nil, "no such user"}, nil })
	ctx := context.Background()
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Dialer: srv.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Disconnect(ctx) }()

	find := tnt.Call{Function: "find_user"}
	user, why, err := tnt.Two[*string, string](ctx, conn, find)
	fmt.Println(user == nil, why, err)

	// Who asks for the first alone is told of the second.
	_, err = tnt.One[string](ctx, conn, find)
	var failed *tnt.ResultError
	fmt.Println(errors.As(err, &failed), failed.Value)
	// Output:
	// true no such user <nil>
	// true no such user
}

// An answer made by hand, for tests of code that takes one.
func ExampleNewResponse() {
	format := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "name"})
	ann, err := tnt.NewTuple(format, 1, "Ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := tnt.NewResponse(ann)
	if err != nil {
		fmt.Println(err)
		return
	}
	var users []struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	err = resp.Decode(&users)
	fmt.Println(resp, users, err)
	// Output: [[id: 1, name: "Ann"]] [{Ann 1}] <nil>
}

func ExampleTuple_MarshalJSON() {
	t, err := tnt.NewTuple(nil, 1, "Ann", []byte{1, 2}, map[string]any{"age": 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.Marshal(t)
	fmt.Println(string(text), err)
	// Output: [1,"Ann","AQI=",{"age":30}] <nil>
}

func ExampleResponse_DecodeResults() {
	resp, err := tnt.NewResponse(5, "five", []int{1, 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	var n int
	var list []int
	err = resp.DecodeResults(&n, nil, &list)
	fmt.Println(n, list, err)
	// Output: 5 [1 2] <nil>
}
