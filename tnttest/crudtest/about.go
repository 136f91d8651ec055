package crudtest

import "github.com/gotnt/tnt/tnttest"

type indexDef = tnttest.IndexDef

// schema has the shape of crud's: indexes by their numbers, that of buckets left
// out.
func (r *Router) schema(c *call) ([]any, error) {
	if c.space != nil {
		return []any{c.space.schema()}, nil
	}
	all := make(map[string]any)
	for name, s := range r.spaces {
		all[name] = s.schema()
	}
	return []any{all}, nil
}

func (s *space) schema() map[string]any {
	format := make([]any, len(s.def.Format))
	for i, f := range s.def.Format {
		format[i] = describe(f.Name, f.Type, f.IsNullable)
	}
	indexes := make(map[any]any)
	for id, index := range s.def.Indexes {
		var parts []any
		for _, p := range index.Parts {
			parts = append(parts, map[string]any{"fieldno": p.Field, "type": p.Type, "is_nullable": p.IsNullable, "exclude_null": p.ExcludeNull})
		}
		if index.Parts[0].Field-1 == s.bucket {
			continue
		}
		indexes[id] = map[string]any{
			"id": id, "name": index.Name, "type": "TREE", "unique": index.Unique == nil || *index.Unique, "parts": parts,
		}
	}
	return map[string]any{"format": format, "indexes": indexes}
}

func (r *Router) storageInfo(*call) ([]any, error) {
	return []any{map[string]any{"00000000-0000-4000-8000-000000000001": map[string]any{"status": "running", "is_master": true}}}, nil
}

func (r *Router) stats(*call) ([]any, error) { return []any{[]any{}}, nil }
