package tnt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Going on without pagination: the key of the last tuple of a page, taken from
// it by the index's parts, is where the next one begins. That is exact where
// no two tuples have the same key, so that none is passed over, and where the
// server orders the index by it.

// index returns the index of the select from the session's schema, a newer one
// if need be, nil where it is not known.
func (s *scan) index(ctx context.Context, rt Route) *schema.Index {
	l := rt.pin.live
	known := l.env.Load().schema
	index := indexOf(known, s.sel)
	if index == nil && known != nil && rt.conn.refreshFor(ctx, rt.conn.deadlineFor(ctx), l, known, &SchemaError{stale: true}) == nil {
		index = indexOf(l.env.Load().schema, s.sel)
	}
	return index
}

// indexOf returns the index that a select reads, nil where it is not known.
func indexOf(s *schema.Schema, sel Select) *schema.Index {
	space := s.SpaceByID(sel.SpaceID)
	if sel.Space != "" {
		space = s.Space(sel.Space)
	}
	if sel.Index != "" {
		return space.Index(sel.Index)
	}
	return space.IndexByID(sel.IndexID)
}

// byKey makes req, a page from the start, that behind the last tuple. An error
// tells why that would not be exact.
func (s *scan) byKey(settings *mp.Settings, req Select, index *schema.Index) (_ Select, within prefix, err error) {
	if err := totalOrder(index); err != nil {
		return req, prefix{}, err
	}
	if s.last.raw == nil && s.position != "" {
		return req, prefix{}, errors.New("it was to begin behind a position, which only a server with pagination can read")
	}
	key, err := req.Key.append(settings, nil, index)
	if err != nil {
		return req, prefix{}, err
	}
	head := mp.NewReader(key)
	parts := head.ArrayLen()
	next := iproto.IterGT
	switch req.iterator() {
	case iproto.IterAll, iproto.IterGE, iproto.IterGT:
		parts = 0
	case iproto.IterLE, iproto.IterLT:
		next, parts = iproto.IterLT, 0
	case iproto.IterReq:
		next = iproto.IterLT
	case iproto.IterEq:
	default:
		return req, prefix{}, fmt.Errorf("iterator %v does not follow the order of the keys", req.iterator())
	}
	if parts > 0 && parts == len(index.Parts) {
		s.left = 1 // a whole key of a unique index
		if !s.started() {
			return req, prefix{}, nil
		}
	}
	if err := oneForm(index, parts); err != nil {
		return req, prefix{}, err
	}
	if !s.started() {
		return req, prefix{}, nil
	}
	last, err := keyOf(index, s.last, len(index.Parts))
	if err != nil {
		return req, prefix{}, err
	}
	req.Key, req.Iterator = K(Tuple{raw: joinKey(last)}), next
	if parts == 0 {
		return req, prefix{}, nil
	}
	return req, prefix{index: index, parts: last[:parts]}, nil
}

// totalOrder returns why tuples may have the same place in the index, or the
// index no order, nil where neither is so.
func totalOrder(x *schema.Index) error {
	switch {
	case x == nil:
		return errors.New("the index is not known, as there is no schema or it is not in it")
	case !strings.EqualFold(x.Type, "tree"):
		return fmt.Errorf("index %q is of type %s, not TREE", x.Name, strings.ToUpper(x.Type))
	case !x.Unique:
		return fmt.Errorf("index %q is not unique", x.Name)
	case x.Functional:
		return fmt.Errorf("index %q is one of a function", x.Name)
	}
	for i, part := range x.Parts {
		switch {
		case part.IsNullable:
			return fmt.Errorf("part %d of index %q is nullable, and several tuples may have it null", i+1, x.Name)
		case part.Path != "":
			return fmt.Errorf("part %d of index %q is the path %q in a field", i+1, x.Name, part.Path)
		}
	}
	return nil
}

// oneForm returns which of the first parts of the index may have two values that
// are equal to the server and differ in their bytes, such as 1 and 1.0.
func oneForm(x *schema.Index, parts int) error {
	const binaryCollation = 3
	for i, part := range x.Parts[:min(parts, len(x.Parts))] {
		plain := slices.Contains([]string{"unsigned", "integer", "string", "boolean", "uuid", "varbinary"}, part.Type)
		if !plain || part.Collation != 0 && part.Collation != binaryCollation {
			return fmt.Errorf("the key has some parts of index %q, and whether another has the same part %d, of type %s, only the server can tell", x.Name, i+1, part.Type)
		}
	}
	return nil
}

// keyOf returns the first n parts of a tuple's key, each as MessagePack.
func keyOf(x *schema.Index, t Tuple, n int) ([][]byte, error) {
	parts := make([][]byte, n)
	for i, part := range x.Parts[:n] {
		r, err := t.reader(part.Field)
		if err != nil {
			return nil, fmt.Errorf("part %d of index %q: %w", i+1, x.Name, err)
		}
		parts[i] = appendShortest(nil, &r)
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("part %d of index %q: %w", i+1, x.Name, err)
		}
	}
	return parts, nil
}

func joinKey(parts [][]byte) []byte {
	key := mp.AppendArrayLen(nil, len(parts))
	for _, part := range parts {
		key = append(key, part...)
	}
	return key
}

// appendShortest appends the next value in its shortest form: the server keeps
// what a client sent, and another client may have written it longer.
func appendShortest(b []byte, r *mp.Reader) []byte {
	switch r.Type() {
	case mp.TypeUint:
		return mp.AppendUint(b, r.Uint())
	case mp.TypeInt:
		return mp.AppendInt(b, r.Int())
	case mp.TypeString:
		return mp.AppendStringBytes(b, r.StringBytes())
	case mp.TypeBinary:
		return mp.AppendBinary(b, r.Binary())
	case mp.TypeExt:
		typ, data := r.Ext()
		return mp.AppendExt(b, typ, data)
	default:
		return append(b, r.Raw()...)
	}
}

// prefix is the first parts of an index's key that tuples have to share. The
// zero prefix is shared by all.
type prefix struct {
	index *schema.Index
	parts [][]byte
}

func (p prefix) in(t Tuple) (bool, error) {
	if p.index == nil {
		return true, nil
	}
	parts, err := keyOf(p.index, t, len(p.parts))
	return err == nil && slices.EqualFunc(parts, p.parts, bytes.Equal), err
}
