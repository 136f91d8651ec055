package crudtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt/types"
)

func isMany(name string) bool { return strings.HasSuffix(name, "_many") }

func isObject(name string) bool { return strings.Contains(name, "_object") }

// verb is what a function does: "insert", "replace" or "upsert".
func verb(name string) string {
	v, _, _ := strings.Cut(name, "_")
	return v
}

// storageError is what crud says of an error of the storage.
func storageError(c *call, err error) error {
	var e *types.Error
	if !errors.As(err, &e) {
		return err
	}
	return &failure{classOf(c.name), "Failed to " + verb(c.name) + ": " + e.Message}
}

// tuple makes the tuple of a list, or of an object, and fills the bucket in.
func (c *call) tuple(v any) ([]any, error) {
	if isObject(c.name) {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, &failure{classOf(c.name), "Failed to flatten object: FlattenError: Object is specified in bad format"}
		}
		var err error
		if v, err = c.flatten(m); err != nil {
			return nil, err
		}
	}
	t, ok := v.([]any)
	if !ok {
		return nil, &failure{classOf(c.name), "Failed to " + verb(c.name) + ": Tuple/Key must be MsgPack array"}
	}
	s := c.space
	if s.bucket < 0 {
		return nil, &failure{classOf(c.name), `Failed to get bucket ID: BucketIDError: Failed to get bucket ID fieldno: ShardingError: "bucket_id" index is not found`}
	}
	t = append([]any(nil), t...)
	for len(t) <= s.bucket {
		t = append(t, nil)
	}
	wanted := c.opts["bucket_id"]
	switch given := t[s.bucket]; {
	case given == nil && wanted == nil:
		t[s.bucket] = bucketOf(s.key(t, 0))
	case given == nil:
		t[s.bucket] = wanted
	case wanted != nil && wanted != given:
		return nil, &failure{classOf(c.name), fmt.Sprintf(
			"Failed to get bucket ID: BucketIDError: Tuple and opts.bucket_id contain different bucket_id values: %v and %v", given, wanted)}
	}
	return t, nil
}

func (c *call) flatten(m map[string]any) ([]any, error) {
	const bad = "Failed to flatten object: FlattenError: Object is specified in bad format: FlattenError: "
	t := make([]any, len(c.space.names))
	found := 0
	for i, f := range c.space.def.Format {
		v, ok := m[f.Name]
		if ok {
			found++
		}
		if v == nil && !f.IsNullable && f.Name != bucketField && !c.flag("skip_nullability_check_on_flatten") {
			return nil, &failure{classOf(c.name), fmt.Sprintf("%sField %q isn't nullable (set skip_nullability_check_on_flatten option to true to skip check)", bad, f.Name)}
		}
		t[i] = v
	}
	if found < len(m) {
		for name := range m {
			if c.space.place(name) < 0 {
				return nil, &failure{classOf(c.name), fmt.Sprintf("%sUnknown field %q is specified", bad, name)}
			}
		}
	}
	return t, nil
}

// put stores a tuple and returns it as stored.
func (c *call) put(v any) ([]any, error) {
	t, err := c.tuple(v)
	if err != nil {
		return nil, err
	}
	if verb(c.name) == "insert" {
		err = c.space.Insert(t...)
	} else {
		err = c.space.Replace(t...)
	}
	if err != nil {
		return nil, storageError(c, err)
	}
	return c.space.Get(c.space.key(t, 0)...)
}

func (r *Router) insert(c *call) ([]any, error) {
	t, err := c.put(c.arg(0))
	if err != nil {
		return nil, err
	}
	return c.rows([][]any{t})
}

func (r *Router) upsert(c *call) ([]any, error) {
	if err := c.upsertOne(c.arg(0), c.arg(1)); err != nil {
		return nil, err
	}
	return c.rows(nil)
}

// upsertOne inserts a tuple or applies operations, of which those that fail are
// passed over.
func (c *call) upsertOne(v, ops any) error {
	t, err := c.tuple(v)
	if err != nil {
		return err
	}
	key := c.space.key(t, 0)
	there, err := c.space.Get(key...)
	if err != nil {
		return storageError(c, err)
	}
	if there == nil {
		if err := c.space.Insert(t...); err != nil {
			return storageError(c, err)
		}
		return nil
	}
	operations, err := c.operations(ops)
	if err != nil {
		return err
	}
	for _, op := range operations {
		_, _ = c.space.Update(key, op)
	}
	return nil
}

// operations makes the server's of crud's, which count fields from 1.
func (c *call) operations(v any) ([][]any, error) {
	list, _ := v.([]any)
	ops := make([][]any, len(list))
	for i, one := range list {
		op, ok := one.([]any)
		if !ok || len(op) < 2 {
			return nil, &failure{classOf(c.name), "Failed to " + verb(c.name) + ": an operation is no list"}
		}
		op = append([]any(nil), op...)
		switch field := op[1].(type) {
		case int64:
			if field > 0 {
				op[1] = field - 1
			}
		case string:
			if name, _, _ := strings.Cut(strings.ReplaceAll(field, "[", "."), "."); c.space.place(name) < 0 {
				return nil, &failure{classOf(c.name), fmt.Sprintf("Failed to %s: Field '%s' was not found in the tuple", verb(c.name), field)}
			}
		}
		if op[0] == ":" && len(op) > 2 {
			if at, ok := op[2].(int64); ok && at > 0 {
				op[2] = at - 1
			}
		}
		ops[i] = op
	}
	return ops, nil
}

// many does a function for many, one after the other.
func (r *Router) many(c *call) ([]any, error) {
	items, _ := c.arg(0).([]any)
	if len(items) == 0 {
		return nil, &failure{classOf(c.name), "At least one tuple expected"}
	}
	var rows [][]any
	var failures []any
	for _, item := range items {
		var t []any
		var err error
		about := item
		if verb(c.name) == "upsert" {
			pair, _ := item.([]any)
			for len(pair) < 2 {
				pair = append(pair, nil)
			}
			about, err = pair[0], c.upsertOne(pair[0], pair[1])
		} else if t, err = c.put(item); err == nil {
			rows = append(rows, t)
		}
		if err == nil {
			continue
		}
		var f *failure
		if !errors.As(err, &f) {
			return nil, err
		}
		answer := f.answer()
		answer["operation_data"] = about
		if failures = append(failures, answer); c.flag("stop_on_error") {
			break
		}
	}
	if len(failures) == 0 {
		return c.rows(rows)
	}
	if len(failures) == len(items) || len(rows) == 0 && verb(c.name) != "upsert" {
		return []any{nil, failures}, nil
	}
	answer, err := c.rows(rows)
	if err != nil {
		return nil, err
	}
	return []any{answer[0], failures}, nil
}

func (r *Router) update(c *call) ([]any, error) {
	ops, err := c.operations(c.arg(1))
	if err != nil {
		return nil, err
	}
	t, err := c.space.Update(keyOf(c.arg(0)), ops...)
	if err != nil {
		return nil, storageError(c, err)
	}
	return c.found(t)
}

func (r *Router) delete(c *call) ([]any, error) {
	t, err := c.space.Delete(keyOf(c.arg(0))...)
	if err != nil {
		return nil, storageError(c, err)
	}
	return c.found(t)
}

func (r *Router) truncate(c *call) ([]any, error) { return []any{true}, c.space.Truncate() }
