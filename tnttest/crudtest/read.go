package crudtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// place is that of a field in a tuple, -1 for none.
func (s *space) place(name string) int { return slices.Index(s.names, name) }

// places are those of an index's fields.
func (s *space) places(index int) []int {
	var list []int
	for _, p := range s.def.Indexes[index].Parts {
		list = append(list, p.Field-1)
	}
	return list
}

// key returns an index's fields of a tuple.
func (s *space) key(t []any, index int) []any {
	var key []any
	for _, i := range s.places(index) {
		key = append(key, at(t, i))
	}
	return key
}

func at(t []any, i int) any {
	if i < len(t) {
		return t[i]
	}
	return nil
}

// keyOf is a key that was given as a list or as its one part.
func keyOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// rows is the answer with rows, cut down to the fields that were asked for.
func (c *call) rows(rows [][]any, extra ...int) ([]any, error) {
	if c.flag("noreturn") {
		return []any{nil, nil}, nil
	}
	metadata, cut := []any{}, []int(nil)
	fields, some := c.opts["fields"].([]any)
	for i, f := range c.space.def.Format {
		if !some {
			cut = append(cut, i)
			metadata = append(metadata, describe(f.Name, f.Type, f.IsNullable))
		}
	}
	for _, name := range fields {
		i := c.space.place(fmt.Sprint(name))
		if i < 0 {
			return nil, &failure{"FilterFieldsError", fmt.Sprintf("Space format doesn't contain field named %q", name)}
		}
		cut = append(cut, i)
	}
	if some {
		for _, i := range extra {
			if !slices.Contains(cut, i) {
				cut = append(cut, i)
			}
		}
		for _, i := range cut {
			f := c.space.def.Format[i]
			metadata = append(metadata, describe(f.Name, f.Type, f.IsNullable))
		}
	}
	list := make([]any, len(rows))
	for i, t := range rows {
		if !some {
			list[i] = t
			continue
		}
		row := make([]any, len(cut))
		for n, place := range cut {
			row[n] = at(t, place)
		}
		list[i] = row
	}
	return []any{map[string]any{"metadata": metadata, "rows": list}, nil}, nil
}

func describe(name, kind string, nullable bool) map[string]any {
	m := map[string]any{"name": name, "type": kind}
	if nullable {
		m["is_nullable"] = true
	}
	return m
}

// found is the answer with a row, or none.
func (c *call) found(t []any) ([]any, error) {
	if t == nil {
		return c.rows(nil)
	}
	return c.rows([][]any{t})
}

func (r *Router) get(c *call) ([]any, error) {
	t, err := c.space.Get(keyOf(c.arg(0))...)
	if err != nil {
		return nil, storageError(c, err)
	}
	return c.found(t)
}

// compare orders values as an index does, as far as a test's spaces go.
func compare(a, b any) int {
	rank := func(v any) int {
		switch v.(type) {
		case nil:
			return 0
		case bool:
			return 1
		case int64, uint64, float64:
			return 2
		case string:
			return 3
		}
		return 4
	}
	if d := cmp.Compare(rank(a), rank(b)); d != 0 {
		return d
	}
	if rank(a) == 2 {
		return cmp.Compare(float(a), float(b))
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func float(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case uint64:
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

// condition is one of a select: places of fields and what they are compared to.
type condition struct {
	operator string
	places   []int
	index    int // -1: a field without an index
	key      []any
	unknown  bool
}

func (c *call) conditions() ([]condition, error) {
	list, _ := c.arg(0).([]any)
	var conds []condition
	for i, one := range list {
		parts, _ := one.([]any)
		if len(parts) < 2 {
			return nil, c.bad(`Each condition should be {"<operator>", "<operand>", <value>} (condition %d)`, i+1)
		}
		cond := condition{operator: fmt.Sprint(parts[0]), index: -1}
		if !slices.Contains([]string{"=", "==", "<", "<=", ">", ">="}, cond.operator) {
			return nil, c.bad("condition[1] %q isn't a valid condition operator, (condition %d)", parts[0], i+1)
		}
		cond.key = keyOf(at(parts, 2))
		name := fmt.Sprint(parts[1])
		for n, index := range c.space.def.Indexes {
			if index.Name == name {
				cond.index, cond.places = n, c.space.places(n)
			}
		}
		if cond.index < 0 {
			place := c.space.place(name)
			cond.unknown, cond.places = place < 0, []int{place}
			cond.index = slices.IndexFunc(c.space.def.Indexes, func(d indexDef) bool { return d.Parts[0].Field-1 == place })
		}
		conds = append(conds, cond)
	}
	return conds, nil
}

func (c *call) bad(format string, args ...any) error {
	return &failure{classOf(c.name), "Failed to parse conditions: ParseConditionError: " + fmt.Sprintf(format, args...)}
}

func (q condition) holds(t []any) bool {
	if q.unknown {
		return false
	}
	d := 0
	for i, want := range q.key {
		if i >= len(q.places) {
			break
		}
		if d = compare(at(t, q.places[i]), want); d != 0 {
			break
		}
	}
	switch q.operator {
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	case ">=":
		return d >= 0
	}
	return d == 0
}

// find returns what all conditions find, in the order of the first one's index,
// with the places that the order goes by.
func (c *call) find() (rows [][]any, order []int, descending bool, err error) {
	conds, err := c.conditions()
	if err != nil {
		return nil, nil, false, err
	}
	index := 0
	if len(conds) > 0 && conds[0].index >= 0 {
		index = conds[0].index
		descending = strings.HasPrefix(conds[0].operator, "<")
	}
	order = c.space.places(index)
	for _, place := range c.space.places(0) {
		if !slices.Contains(order, place) {
			order = append(order, place)
		}
	}
	all, err := c.space.All()
	if err != nil {
		return nil, nil, false, err
	}
	for _, t := range all {
		if !slices.ContainsFunc(conds, func(q condition) bool { return !q.holds(t) }) {
			rows = append(rows, t)
		}
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return inOrder(a, b, order, descending) })
	return rows, order, descending, nil
}

func inOrder(a, b []any, places []int, descending bool) int {
	for _, i := range places {
		if d := compare(at(a, i), at(b, i)); d != 0 {
			if descending {
				return -d
			}
			return d
		}
	}
	return 0
}

func (r *Router) selectRows(c *call) ([]any, error) {
	first, bounded := c.opts["first"].(int64)
	after, hasAfter := c.opts["after"].([]any)
	if first < 0 && !hasAfter {
		return nil, &failure{classOf(c.name), "Negative first should be specified only with after option"}
	}
	rows, order, descending, err := c.find()
	if err != nil {
		return nil, err
	}
	if hasAfter {
		behind := c.unfold(after, order)
		rows = slices.DeleteFunc(rows, func(t []any) bool {
			d := inOrder(t, behind, order, descending)
			return first < 0 && d >= 0 || first >= 0 && d <= 0
		})
	}
	switch {
	case bounded && first >= 0:
		rows = rows[:min(len(rows), int(first))]
	case bounded:
		rows = rows[max(0, len(rows)+int(first)):]
	}
	return c.rows(rows, order...)
}

// unfold makes a whole tuple of the row that is to be gone on from: with fields
// it has those, and those of the index behind them.
func (c *call) unfold(row []any, order []int) []any {
	fields, some := c.opts["fields"].([]any)
	if !some {
		return row
	}
	var places []int
	for _, name := range fields {
		places = append(places, c.space.place(fmt.Sprint(name)))
	}
	for _, i := range order {
		if !slices.Contains(places, i) {
			places = append(places, i)
		}
	}
	t := make([]any, len(c.space.names))
	for i, place := range places {
		if place >= 0 && i < len(row) {
			t[place] = row[i]
		}
	}
	return t
}

func (r *Router) count(c *call) ([]any, error) {
	rows, _, _, err := c.find()
	return []any{len(rows), nil}, err
}

func (r *Router) length(c *call) ([]any, error) {
	n, err := c.space.Len()
	return []any{n}, err
}

func (r *Router) border(c *call) ([]any, error) {
	index := 0
	if name := c.arg(0); name != nil {
		index = slices.IndexFunc(c.space.def.Indexes, func(d indexDef) bool { return d.Name == name })
		if n, ok := name.(int64); ok && int(n) < len(c.space.def.Indexes) {
			index = int(n)
		}
		if index < 0 {
			return nil, &failure{classOf(c.name), fmt.Sprintf("Index %q of space %q doesn't exist", name, c.space.def.Name)}
		}
	}
	rows, err := c.space.All()
	if err != nil || len(rows) == 0 {
		return []any{map[string]any{"rows": []any{}, "metadata": []any{}}, nil}, err
	}
	places := append(c.space.places(index), c.space.places(0)...)
	slices.SortStableFunc(rows, func(a, b []any) int { return inOrder(a, b, places, false) })
	if c.name == "max" {
		return c.rows(rows[len(rows)-1:])
	}
	return c.rows(rows[:1])
}
