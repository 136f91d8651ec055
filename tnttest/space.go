package tnttest

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// Space is a space that Go reads and writes directly. The errors of its
// methods are those that a client would get: a *types.Error.
//
// A tuple is given as its fields, one value each. What is returned belongs to
// the caller.
type Space struct {
	srv  *Server
	name string
	call *Call // whose rights and transaction count, nil for the server itself
}

// Space returns a space of the server by its name. That there is such a space
// is checked when it is used.
func (s *Server) Space(name string) *Space { return &Space{srv: s, name: name} }

// Name returns the name of the space.
func (sp *Space) Name() string { return sp.name }

// Insert adds a tuple.
func (sp *Space) Insert(fields ...any) error {
	return sp.put((*memtx.Engine).Insert, fields)
}

// Replace adds a tuple, in the place of the one with the same primary key.
func (sp *Space) Replace(fields ...any) error {
	return sp.put((*memtx.Engine).Replace, fields)
}

// Delete takes away the tuple with the primary key and returns it, nil where
// there is none.
func (sp *Space) Delete(key ...any) ([]any, error) {
	k, err := appendTupleOf(nil, key)
	if err != nil {
		return nil, err
	}
	return sp.change((*memtx.Engine).Delete, &memtx.Change{Key: k})
}

// Update changes the tuple with the primary key and returns it, nil where
// there is none. Each operation is a list such as []any{"+", "age", 1}; fields
// are counted from 0.
func (sp *Space) Update(key []any, ops ...[]any) ([]any, error) {
	k, err := appendTupleOf(nil, key)
	if err != nil {
		return nil, err
	}
	list := mp.AppendArrayLen(nil, len(ops))
	for _, op := range ops {
		if list, err = appendTupleOf(list, op); err != nil {
			return nil, err
		}
	}
	return sp.change((*memtx.Engine).Update, &memtx.Change{Key: k, Ops: list})
}

// Get returns the tuple with the primary key, nil where there is none.
func (sp *Space) Get(key ...any) ([]any, error) {
	tuples, err := sp.raw(memtx.IterEq, 2, key)
	if err != nil || len(tuples) == 0 {
		return nil, err
	}
	return decodeTuple(tuples[0])
}

// All returns all tuples in the order of the primary index.
func (sp *Space) All() ([][]any, error) {
	raw, err := sp.raw(memtx.IterAll, allTuples, nil)
	if err != nil {
		return nil, err
	}
	tuples := make([][]any, len(raw))
	for i, b := range raw {
		if tuples[i], err = decodeTuple(b); err != nil {
			return nil, err
		}
	}
	return tuples, nil
}

// Len returns the number of tuples.
func (sp *Space) Len() (int, error) {
	raw, err := sp.raw(memtx.IterAll, allTuples, nil)
	return len(raw), err
}

// Truncate takes all tuples away.
func (sp *Space) Truncate() error {
	raw, err := sp.raw(memtx.IterAll, allTuples, nil)
	if err != nil {
		return err
	}
	for _, b := range raw {
		fields, err := decodeTuple(b)
		if err != nil {
			return err
		}
		key, err := sp.keyOf(fields)
		if err != nil {
			return err
		}
		if _, err := sp.Delete(key...); err != nil {
			return err
		}
	}
	return nil
}

// keyOf returns the primary key of a tuple.
func (sp *Space) keyOf(fields []any) ([]any, error) {
	sp.srv.mu.Lock()
	defer sp.srv.mu.Unlock()
	s, err := sp.srv.engine.SpaceByName(sp.name)
	if err != nil {
		return nil, err
	}
	var key []any
	for _, p := range s.Indexes()[0].Parts {
		key = append(key, fields[p.Field])
	}
	return key, nil
}

const allTuples = 1<<32 - 1

// Rows decodes all tuples of a space into values of T: structs, by position or by
// the names of the space's format, slices, maps.
func Rows[T any](sp *Space) ([]T, error) {
	raw, err := sp.raw(memtx.IterAll, allTuples, nil)
	if err != nil {
		return nil, err
	}
	plan, err := mp.PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("tnttest: %w", err)
	}
	names := sp.names()
	rows := make([]T, len(raw))
	for i, b := range raw {
		r := mp.NewReader(b)
		plan.DecodeRow(&r, unsafe.Pointer(&rows[i]), names)
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("tnttest: tuple %s: %w", memtx.FormatTuple(b), err)
		}
	}
	return rows, nil
}

// fieldNames are the names of a space's fields.
type fieldNames []string

// Names implements mp.Format.
func (n fieldNames) Names() []string { return n }

// names returns the names of the space's fields, none where it has no format.
func (sp *Space) names() (names fieldNames) {
	sp.srv.mu.Lock()
	defer sp.srv.mu.Unlock()
	if s, err := sp.srv.engine.SpaceByName(sp.name); err == nil {
		for _, f := range s.Def.Format {
			names = append(names, f.Name)
		}
	}
	return names
}

// raw reads tuples as MessagePack.
func (sp *Space) raw(it memtx.Iterator, limit uint64, key []any) ([][]byte, error) {
	k, err := appendTupleOf(nil, key)
	if err != nil {
		return nil, err
	}
	sp.srv.mu.Lock()
	defer sp.srv.mu.Unlock()
	s, fail := sp.srv.engine.SpaceByName(sp.name)
	if fail != nil {
		return nil, fail
	}
	txn, user := sp.caller()
	out, fail := sp.srv.engine.Select(txn, user, &memtx.Select{
		Space: s.Def.ID, Iterator: uint64(it), Limit: limit, Key: k,
	})
	if fail != nil {
		return nil, fail
	}
	return out.Tuples, nil
}

// caller returns for whom the space is read or written.
func (sp *Space) caller() (*memtx.Txn, *memtx.User) {
	if sp.call == nil {
		return nil, nil
	}
	return sp.call.req.txn(), sp.call.conn.user
}

type changer func(*memtx.Engine, *memtx.Txn, *memtx.User, *memtx.Change) (memtx.Changed, *types.Error)

func (sp *Space) put(do changer, fields []any) error {
	t, err := appendTupleOf(nil, fields)
	if err != nil {
		return err
	}
	_, err = sp.change(do, &memtx.Change{Tuple: t})
	return err
}

func (sp *Space) change(do changer, ch *memtx.Change) ([]any, error) {
	s := sp.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.schemaVersion.Store(s.engine.SchemaVersion()) }()
	space, fail := s.engine.SpaceByName(sp.name)
	if fail != nil {
		return nil, fail
	}
	ch.Space = space.Def.ID
	txn, user := sp.caller()
	out, fail := do(s.engine, txn, user, ch)
	if fail != nil {
		return nil, fail
	}
	if out.Tuple == nil {
		return nil, nil
	}
	return decodeTuple(out.Tuple)
}

// appendTupleOf appends values as an array.
func appendTupleOf(b []byte, values []any) ([]byte, error) {
	b = mp.AppendArrayLen(b, len(values))
	for _, v := range values {
		var err error
		if b, err = mp.Widest.AppendValue(b, v); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func decodeTuple(b []byte) ([]any, error) {
	r := mp.Widest.Reader(b)
	v := r.Value()
	if err := r.Err(); err != nil {
		return nil, err
	}
	tuple, ok := v.([]any)
	if !ok {
		return nil, errors.New("tnttest: a tuple is no array")
	}
	return tuple, nil
}
