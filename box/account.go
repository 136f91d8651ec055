package box

import (
	"context"

	"github.com/gotnt/tnt"
)

// schema names a table of functions that users and roles both have.
type schema string

const (
	users schema = "box.schema.user."
	roles schema = "box.schema.role."
)

// flag is an option of the functions.
func flag(name string) map[string]any { return map[string]any{name: true} }

func (s schema) call(ctx context.Context, ex tnt.Executor, function string, args ...any) error {
	_, err := tnt.Do(ctx, ex, tnt.Call{Function: string(s) + function, Args: args})
	return err
}

func (s schema) drop(ctx context.Context, ex tnt.Executor, name string, opts []IfExists) error {
	if len(opts) > 0 {
		return s.call(ctx, ex, "drop", name, flag("if_exists"))
	}
	return s.call(ctx, ex, "drop", name)
}

func (s schema) exists(ctx context.Context, ex tnt.Executor, name string) (bool, error) {
	return tnt.One[bool](ctx, ex, tnt.Call{Function: string(s) + "exists", Args: []any{name}})
}

func (s schema) info(ctx context.Context, ex tnt.Executor, name string) ([]Grant, error) {
	return tnt.One[[]Grant](ctx, ex, tnt.Call{Function: string(s) + "info", Args: []any{name}})
}

func (s schema) grant(ctx context.Context, ex tnt.Executor, name string, g Grant, opts []IfNotExists) error {
	if len(opts) > 0 {
		return s.call(ctx, ex, "grant", name, g.Privileges, g.ObjectType, g.Object, flag("if_not_exists"))
	}
	return s.call(ctx, ex, "grant", name, g.Privileges, g.ObjectType, g.Object)
}

func (s schema) revoke(ctx context.Context, ex tnt.Executor, name string, g Grant, opts []IfExists) error {
	if len(opts) > 0 {
		return s.call(ctx, ex, "revoke", name, g.Privileges, g.ObjectType, g.Object, flag("if_exists"))
	}
	return s.call(ctx, ex, "revoke", name, g.Privileges, g.ObjectType, g.Object)
}
