package vshardyaml

import (
	"maps"
	"math"
	"slices"
)

// at returns what is at a path of keys, nil where there is nothing.
func at(v any, path ...string) any {
	for _, key := range path {
		m, ok := v.(section)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// merge lays a section over another one: sections in both are merged, anything
// else of the inner one takes the place of the outer one's.
func merge(outer, inner section) section {
	merged := maps.Clone(outer)
	for key, value := range inner {
		a, ok1 := merged[key].(section)
		b, ok2 := value.(section)
		if ok1 && ok2 {
			value = merge(a, b)
		}
		merged[key] = value
	}
	return merged
}

// sections are those of a section that are by name, an empty one for a name with
// nothing behind it.
func sections(v any) map[string]section {
	m, _ := v.(section)
	found := make(map[string]section, len(m))
	for name, one := range m {
		s, _ := one.(section)
		if s == nil {
			s = section{}
		}
		found[name] = s
	}
	return found
}

func sorted(m map[string]section) []string { return slices.Sorted(maps.Keys(m)) }

func texts(v any) []string {
	list, _ := v.([]any)
	var found []string
	for _, one := range list {
		if s, ok := one.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

// number returns a whole number that can be a count of buckets.
func number(v any) (uint32, bool) {
	switch n := v.(type) {
	case uint64:
		return uint32(n), n > 0 && n <= math.MaxInt32
	case int64:
		return uint32(n), n > 0 && n <= math.MaxInt32
	case int:
		return uint32(n), n > 0 && n <= math.MaxInt32
	}
	return 0, false
}
