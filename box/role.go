package box

import (
	"context"

	"github.com/gotnt/tnt"
)

// Role is a role, by name: a set of privileges to grant to users and to other
// roles. That there is such a role is asked of the server by each method.
type Role string

// Create adds the role, without any privilege. Where there is a role or a user
// of the name, the error is errcode.RoleExists.
func (r Role) Create(ctx context.Context, ex tnt.Executor, opts ...IfNotExists) error {
	if len(opts) > 0 {
		return roles.call(ctx, ex, "create", string(r), flag("if_not_exists"))
	}
	return roles.call(ctx, ex, "create", string(r))
}

// Drop deletes the role, and takes it from whoever has it. Where there is none
// the error is errcode.NoSuchRole; that of one which can't be dropped, such as
// public, is errcode.DropUser.
func (r Role) Drop(ctx context.Context, ex tnt.Executor, opts ...IfExists) error {
	return roles.drop(ctx, ex, string(r), opts)
}

// Exists reports whether there is the role. A user is none.
func (r Role) Exists(ctx context.Context, ex tnt.Executor) (bool, error) {
	return roles.exists(ctx, ex, string(r))
}

// Info returns the privileges that the role has, but for those that come with
// roles granted to it. Where there is no such role the error is
// errcode.NoSuchRole.
func (r Role) Info(ctx context.Context, ex tnt.Executor) ([]Grant, error) {
	return roles.info(ctx, ex, string(r))
}

// Grant gives the role privileges beside those it has. Where it has them all
// the error is errcode.PrivGranted, or errcode.RoleGranted for a role; that of a
// role that would contain itself is errcode.RoleLoop.
func (r Role) Grant(ctx context.Context, ex tnt.Executor, g Grant, opts ...IfNotExists) error {
	return roles.grant(ctx, ex, string(r), g, opts)
}

// Revoke takes privileges from the role. Where it has none of them the error is
// errcode.PrivNotGranted, or errcode.RoleNotGranted for a role.
func (r Role) Revoke(ctx context.Context, ex tnt.Executor, g Grant, opts ...IfExists) error {
	return roles.revoke(ctx, ex, string(r), g, opts)
}
