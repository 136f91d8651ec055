package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/errcode"
)

// User is a tuple of the space tour_users: its fields are the tuple's in their
// order.
type User struct {
	ID   uint64
	Name string
	Age  *uint // nullable
}

func (u User) String() string {
	if u.Age == nil {
		return fmt.Sprintf("%d %s", u.ID, u.Name)
	}
	return fmt.Sprintf("%d %s (%d)", u.ID, u.Name, *u.Age)
}

// A step is a part of the tour, and returns what is to be seen of it.
type step struct {
	name string
	run  func(ctx context.Context, conn *tnt.Conn) (any, error)
}

var steps = []step{
	{"rows as structs", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		if _, err := conn.Insert(ctx, "tour_users", User{ID: 1, Name: "Alice"}); err != nil {
			return nil, err
		}
		user, err := tnt.One[User](ctx, conn, tnt.Select{Space: "tour_users", Key: tnt.K(1)})
		if err != nil {
			return nil, err
		}
		users, err := tnt.All[User](ctx, conn, tnt.Select{Space: "tour_users", Index: "name", Key: tnt.K("Alice"), Limit: 10})
		return fmt.Sprintf("%v, %d by name", user, len(users)), err
	}},
	{"rows as tuples", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		tuples, err := conn.Select(ctx, "tour_users", tnt.K(1))
		if err != nil {
			return nil, err
		}
		return tuples[0].Get("name")
	}},
	{"changes", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		if _, err := conn.Update(ctx, "tour_users", tnt.K(1), tnt.OpAssign("age", 30), tnt.OpAssign("name", "Bob")); err != nil {
			return nil, err
		}
		user, err := conn.Update(ctx, "tour_users", tnt.K(1), tnt.OpAdd("age", 1))
		if err != nil {
			return nil, err
		}
		err = conn.Upsert(ctx, "tour_counters", []any{"visits", 1}, tnt.OpAdd("count", 1))
		return user.GetOr("age", nil), err
	}},
	{"errors", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		_, err := conn.Insert(ctx, "tour_users", User{ID: 1, Name: "Eve"})
		var failed *tnt.RequestError
		if !errors.Is(err, errcode.TupleFound) || !errors.As(err, &failed) {
			return nil, fmt.Errorf("want that there is such a tuple: %w", err)
		}
		return fmt.Sprintf("%v: %v", failed.Request, failed.Fate()), nil
	}},
	{"functions", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		return tnt.One[int](ctx, conn, tnt.Call{Function: "tour_sum", Args: []any{1, 2}})
	}},
	{"SQL", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		return tnt.One[string](ctx, conn, tnt.Execute{Statement: selectName, Args: []any{tnt.Named("id", 1)}})
	}},
	{"a transaction", transfer},
	{"without waiting", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		future := conn.Go(ctx, tnt.Call{Function: "tour_report"})
		var seen []string
		for push, err := range future.Pushes(ctx) {
			if err != nil {
				return nil, err
			}
			var text string
			if err := push.Decode(&text); err != nil {
				return nil, err
			}
			seen = append(seen, text)
		}
		resp, err := future.Wait(ctx)
		return fmt.Sprint(seen, resp), err
	}},
	{"many at once", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		selects := []tnt.Select{{Space: "tour_users", Key: tnt.K(1)}, {Space: "tour_users", Key: tnt.K(2)}}
		var found []bool
		for user, err := range tnt.Each[User](ctx, conn, selects) {
			if err != nil {
				return nil, err
			}
			found = append(found, user != nil)
		}
		return found, nil
	}},
	{"all of it", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		n := 0
		for _, err := range tnt.Scan(ctx, conn, tnt.Select{Space: "tour_users"}, 1000) {
			if err != nil {
				return nil, err
			}
			n++
		}
		return fmt.Sprint(n, " tuples"), nil
	}},
	{"what changes", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		if _, err := conn.Call(ctx, "tour_tell", "blue"); err != nil {
			return nil, err
		}
		for event, err := range conn.Watch(ctx, "tour_config") {
			if err != nil {
				return nil, err
			}
			return event.Value()
		}
		return nil, context.Cause(ctx)
	}},
	{"users", func(ctx context.Context, conn *tnt.Conn) (any, error) {
		bob := box.User("tour_bob")
		if err := bob.Create(ctx, conn, box.Password("s3cret"), box.IfNotExists{}); err != nil {
			return nil, err
		}
		grant := box.Grant{Privileges: "read", ObjectType: "space", Object: "tour_users"}
		return "may read", bob.Grant(ctx, conn, grant, box.IfNotExists{})
	}},
}

// transfer moves 10 from one account to another, or nothing.
func transfer(ctx context.Context, conn *tnt.Conn) (any, error) {
	for id := 1; id <= 2; id++ {
		if _, err := conn.Replace(ctx, "tour_accounts", []any{id, 100}); err != nil {
			return nil, err
		}
	}
	err := tnt.InTx(ctx, conn, func(s *tnt.Stream) error {
		if _, err := s.Update(ctx, "tour_accounts", tnt.K(1), tnt.OpSub("balance", 10)); err != nil {
			return err
		}
		_, err := s.Update(ctx, "tour_accounts", tnt.K(2), tnt.OpAdd("balance", 10))
		return err
	})
	if err != nil {
		return nil, err
	}
	type account struct{ ID, Balance int }
	return tnt.All[account](ctx, conn, tnt.Select{Space: "tour_accounts"})
}
