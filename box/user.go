package box

import (
	"context"

	"github.com/gotnt/tnt"
)

// User is a user, by name. That there is such a user is asked of the server by
// each method.
type User string

// Create adds the user, with the privileges that every user has: the role
// public, to connect, and to change itself. A user without a Password cannot
// log in. Where there is a user or a role of the name, the error is
// errcode.UserExists; IfNotExists then changes nothing, neither the password.
func (u User) Create(ctx context.Context, ex tnt.Executor, opts ...CreateOption) error {
	if len(opts) == 0 {
		return users.call(ctx, ex, "create", string(u))
	}
	options := make(map[string]any, len(opts))
	for _, opt := range opts {
		opt.create(options)
	}
	return users.call(ctx, ex, "create", string(u), options)
}

// Drop deletes the user with all that it owns, spaces included. Where there is
// none the error is errcode.NoSuchUser; that of one who can't be dropped, such as
// admin and the user of the session, is errcode.DropUser.
func (u User) Drop(ctx context.Context, ex tnt.Executor, opts ...IfExists) error {
	return users.drop(ctx, ex, string(u), opts)
}

// Exists reports whether there is the user. A role is none.
func (u User) Exists(ctx context.Context, ex tnt.Executor) (bool, error) {
	return users.exists(ctx, ex, string(u))
}

// Info returns the privileges that the user has, but for those that come with
// its roles. Where there is no such user the error is errcode.NoSuchUser.
func (u User) Info(ctx context.Context, ex tnt.Executor) ([]Grant, error) {
	return users.info(ctx, ex, string(u))
}

// Grant gives the user privileges beside those it has. Where it has them all
// the error is errcode.PrivGranted, or errcode.RoleGranted for a role.
func (u User) Grant(ctx context.Context, ex tnt.Executor, g Grant, opts ...IfNotExists) error {
	return users.grant(ctx, ex, string(u), g, opts)
}

// Revoke takes privileges from the user. Where it has none of them the error is
// errcode.PrivNotGranted, or errcode.RoleNotGranted for a role.
func (u User) Revoke(ctx context.Context, ex tnt.Executor, g Grant, opts ...IfExists) error {
	return users.revoke(ctx, ex, string(u), g, opts)
}

// Passwd sets the user's password. Connections that are logged in stay so.
// Where there is no such user the error is errcode.NoSuchUser.
func (u User) Passwd(ctx context.Context, ex tnt.Executor, password string) error {
	return users.call(ctx, ex, "passwd", string(u), Password(password))
}

// Passwd sets the password of the session's own user.
func Passwd(ctx context.Context, ex tnt.Executor, password string) error {
	return users.call(ctx, ex, "passwd", Password(password))
}
