package box_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/errcode"
)

var (
	read    = box.Grant{Privileges: "read", ObjectType: "space", Object: "tester"}
	rw      = box.Grant{Privileges: "read,write", ObjectType: "space", Object: "tester"}
	spaces  = box.Grant{Privileges: "create", ObjectType: "space"}
	all     = box.Grant{Privileges: "read", ObjectType: "universe"}
	readers = box.Grant{Privileges: "execute", ObjectType: "role", Object: "readers"}
)

func TestAccounts(t *testing.T) {
	const none = errcode.Code(0)
	alice, nobody, public := box.User("alice"), box.User("nobody"), box.User("public")
	group, nogroup := box.Role("readers"), box.Role("nogroup")
	var ctx context.Context
	var ex tnt.Executor
	steps := []struct {
		name string
		do   func() error
		want errcode.Code
	}{
		{"create", func() error { return alice.Create(ctx, ex, box.Password("s3cret")) }, none},
		{"create again", func() error { return alice.Create(ctx, ex, box.Password("other")) }, errcode.UserExists},
		{"create if not exists", func() error { return alice.Create(ctx, ex, box.IfNotExists{}, box.Password("other")) }, none},
		{"create with the name of a role", func() error { return public.Create(ctx, ex) }, errcode.UserExists},
		{"create without a name", func() error { return box.User("").Create(ctx, ex) }, errcode.Identifier},
		{"create role", func() error { return group.Create(ctx, ex) }, none},
		{"create role again", func() error { return group.Create(ctx, ex) }, errcode.RoleExists},
		{"create role if not exists", func() error { return group.Create(ctx, ex, box.IfNotExists{}) }, none},

		{"grant", func() error { return alice.Grant(ctx, ex, read) }, none},
		{"grant again", func() error { return alice.Grant(ctx, ex, read) }, errcode.PrivGranted},
		{"grant if not exists", func() error { return alice.Grant(ctx, ex, read, box.IfNotExists{}) }, none},
		{"grant more", func() error { return alice.Grant(ctx, ex, rw) }, none},
		{"grant on all spaces", func() error { return alice.Grant(ctx, ex, spaces) }, none},
		{"grant on the universe", func() error { return alice.Grant(ctx, ex, all) }, none},
		{"grant a role", func() error { return alice.Grant(ctx, ex, readers) }, none},
		{"grant a role again", func() error { return alice.Grant(ctx, ex, readers) }, errcode.RoleGranted},
		{"grant to a role", func() error { return group.Grant(ctx, ex, read) }, none},
		{"grant a role to itself", func() error { return group.Grant(ctx, ex, readers) }, errcode.RoleLoop},
		{"grant to a role what is a user's", func() error {
			return group.Grant(ctx, ex, box.Grant{Privileges: "session", ObjectType: "universe"})
		}, errcode.Grant},
		{"grant to nobody", func() error { return nobody.Grant(ctx, ex, read, box.IfNotExists{}) }, errcode.NoSuchUser},
		{"grant to no role", func() error { return nogroup.Grant(ctx, ex, read) }, errcode.NoSuchRole},
		{"grant on no space", func() error {
			return alice.Grant(ctx, ex, box.Grant{Privileges: "read", ObjectType: "space", Object: "nosuch"})
		}, errcode.NoSuchSpace},
		{"grant on no type", func() error { return alice.Grant(ctx, ex, box.Grant{Privileges: "read"}) }, errcode.UnknownSchemaObject},
		{"grant nothing", func() error { return alice.Grant(ctx, ex, box.Grant{ObjectType: "universe"}) }, errcode.UnsupportedPriv},

		{"revoke", func() error { return alice.Revoke(ctx, ex, all) }, none},
		{"revoke again", func() error { return alice.Revoke(ctx, ex, all) }, errcode.PrivNotGranted},
		{"revoke if exists", func() error { return alice.Revoke(ctx, ex, all, box.IfExists{}) }, none},
		{"revoke a role", func() error { return alice.Revoke(ctx, ex, readers) }, none},
		{"revoke a role again", func() error { return alice.Revoke(ctx, ex, readers) }, errcode.RoleNotGranted},
		{"revoke from a role", func() error { return group.Revoke(ctx, ex, read) }, none},
		{"revoke from nobody", func() error { return nobody.Revoke(ctx, ex, read, box.IfExists{}) }, errcode.NoSuchUser},

		{"passwd", func() error { return alice.Passwd(ctx, ex, "other") }, none},
		{"passwd of nobody", func() error { return nobody.Passwd(ctx, ex, "other") }, errcode.NoSuchUser},
		{"passwd of guest", func() error { return box.User("guest").Passwd(ctx, ex, "other") }, errcode.GuestUserPassword},
		{"own passwd", func() error { return box.Passwd(ctx, ex, "other") }, none},

		{"info of nobody", func() error { _, err := nobody.Info(ctx, ex); return err }, errcode.NoSuchUser},
		{"info of no role", func() error { _, err := nogroup.Info(ctx, ex); return err }, errcode.NoSuchRole},
		{"drop of admin", func() error { return box.User("admin").Drop(ctx, ex) }, errcode.DropUser},
		{"drop of public", func() error { return box.Role("public").Drop(ctx, ex) }, errcode.DropUser},
		{"drop role", func() error { return group.Drop(ctx, ex) }, none},
		{"drop role again", func() error { return group.Drop(ctx, ex) }, errcode.NoSuchRole},
		{"drop role if exists", func() error { return group.Drop(ctx, ex, box.IfExists{}) }, none},
		{"drop", func() error { return alice.Drop(ctx, ex) }, none},
		{"drop again", func() error { return alice.Drop(ctx, ex) }, errcode.NoSuchUser},
		{"drop if exists", func() error { return alice.Drop(ctx, ex, box.IfExists{}) }, none},
	}
	onServers(t, func(t *testing.T, s server) {
		ctx, ex = testContext(t), s.admin(t)
		for _, step := range steps {
			err := step.do()
			if step.want == none && err == nil {
				continue
			}
			var re *tnt.RequestError
			if !errors.Is(err, step.want) || !errors.As(err, &re) {
				t.Errorf("%s: %v, want %v", step.name, err, step.want)
			}
		}
	})
}

func TestExistsAndInfo(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		ctx, conn := testContext(t), s.admin(t)
		user, role := box.User("alice"), box.Role("readers")
		exist := func(want bool) {
			t.Helper()
			for name, exists := range map[string]func(context.Context, tnt.Executor) (bool, error){"user": user.Exists, "role": role.Exists} {
				if got, err := exists(ctx, conn); got != want || err != nil {
					t.Errorf("%s exists: %v, %v, want %v", name, got, err, want)
				}
			}
		}
		exist(false)
		for _, err := range []error{user.Create(ctx, conn), role.Create(ctx, conn), user.Grant(ctx, conn, rw), user.Grant(ctx, conn, readers)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		exist(true)
		for name, exists := range map[string]func(context.Context, tnt.Executor) (bool, error){
			"a role as a user": box.User(role).Exists, "a user as a role": box.Role(user).Exists,
		} {
			if got, err := exists(ctx, conn); got || err != nil {
				t.Errorf("%s exists: %v, %v", name, got, err)
			}
		}
		got, err := user.Info(ctx, conn)
		slices.SortFunc(got, func(a, b box.Grant) int {
			return strings.Compare(a.ObjectType+a.Object, b.ObjectType+b.Object)
		})
		want := []box.Grant{
			{Privileges: "execute", ObjectType: "role", Object: "public"},
			readers, rw,
			{Privileges: "session,usage", ObjectType: "universe"},
			{Privileges: "alter", ObjectType: "user", Object: "alice"},
		}
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("info: %v, %v, want %v", got, err, want)
		}
		if got, err := role.Info(ctx, conn); len(got) != 0 || err != nil {
			t.Errorf("info of a role without privileges: %v, %v", got, err)
		}
		// What Info tells is what Revoke takes.
		for _, g := range got {
			if err := user.Revoke(ctx, conn, g); err != nil {
				t.Errorf("revoke %v: %v", g, err)
			}
		}
	})
}

func TestUserAtWork(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		ctx, admin := testContext(t), s.admin(t)
		alice, group := box.User("alice"), box.Role("readers")
		if err := alice.Create(ctx, admin, box.Password("s3cret")); err != nil {
			t.Fatal(err)
		}
		conn := s.connect(t, "alice", "s3cret")
		may := func(when string, want bool) {
			t.Helper()
			if _, err := conn.Do(ctx, tnt.Select{Space: "tester"}); (err == nil) != want {
				t.Errorf("%s: %v", when, err)
			}
		}
		for _, err := range []error{group.Create(ctx, admin), group.Grant(ctx, admin, read), alice.Grant(ctx, admin, readers)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.RefetchSchema(ctx); err != nil {
			t.Fatal(err)
		}
		may("by a role", true)
		if err := group.Drop(ctx, admin); err != nil {
			t.Fatal(err)
		}
		may("without the role", false)
		if err := alice.Grant(ctx, admin, read); err != nil {
			t.Fatal(err)
		}
		may("by a grant", true)
		if err := box.Passwd(ctx, conn, "mine"); !errors.Is(err, errcode.AccessDenied) {
			t.Errorf("a call without the right to: %v", err)
		}
		if err := alice.Passwd(ctx, admin, "changed"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.login(t, "alice", "s3cret"); !errors.Is(err, errcode.CredsMismatch) {
			t.Errorf("the old password: %v", err)
		}
		s.connect(t, "alice", "changed")
	})
}

func TestOwnPassword(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		ctx, admin := testContext(t), s.admin(t)
		alice := box.User("alice")
		call := box.Grant{Privileges: "execute", ObjectType: "universe"}
		for _, err := range []error{alice.Create(ctx, admin, box.Password("s3cret")), alice.Grant(ctx, admin, call)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := box.Passwd(ctx, s.connect(t, "alice", "s3cret"), "mine"); err != nil {
			t.Fatal(err)
		}
		s.connect(t, "alice", "mine")
	})
}

// A change of users does not survive in a stream's transaction.
func TestInTransaction(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		if !s.version.AtLeast(2, 10, 0) {
			t.Skip("it has no streams")
		}
		ctx, conn := testContext(t), s.admin(t)
		alice := box.User("alice")
		err := tnt.InTx(ctx, conn, func(stream *tnt.Stream) error {
			if there, err := alice.Exists(ctx, stream); there || err != nil {
				t.Errorf("before: %v, %v", there, err)
			}
			if err := alice.Create(ctx, stream, box.Password("s3cret")); err != nil {
				t.Error(err)
			}
			return alice.Grant(ctx, stream, rw)
		})
		if !errors.Is(err, errcode.TransactionYield) {
			t.Errorf("the next request: %v", err)
		}
		if there, err := alice.Exists(ctx, conn); there || err != nil {
			t.Errorf("after it: %v, %v", there, err)
		}
		if _, err := s.login(t, "alice", "s3cret"); err == nil {
			t.Error("a user of an aborted transaction can log in")
		}
		if err := alice.Create(ctx, conn.Stream(), box.Password("again")); err != nil {
			t.Error(err)
		}
		s.connect(t, "alice", "again")
	})
}

func TestPasswordsDoNotPrint(t *testing.T) {
	password := box.Password("s3cret")
	options := struct{ P box.Password }{password}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{password, options, &options, map[string]any{"password": password}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "s3cret") || strings.Contains(text, "733363726574") {
				t.Errorf("%s of %T prints the password", verb, v)
			}
		}
	}
	if text, err := json.Marshal(options); err != nil || strings.Contains(string(text), "s3cret") {
		t.Errorf("JSON: %s, %v", text, err)
	}
	onServers(t, func(t *testing.T, s server) {
		ctx, conn := testContext(t), s.admin(t)
		long := box.User(strings.Repeat("x", 70000))
		for _, err := range []error{
			long.Create(ctx, conn, password), box.User("").Create(ctx, conn, password), box.User("public").Create(ctx, conn, password),
			box.User("nobody").Passwd(ctx, conn, "s3cret"), box.User("guest").Passwd(ctx, conn, "s3cret"),
		} {
			if text := fmt.Sprintf("%+v %#v", err, err); err == nil || strings.Contains(text, "s3cret") {
				t.Errorf("an error holds the password: %.300s", text)
			}
		}
	})
}
