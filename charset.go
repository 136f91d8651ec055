package tnt

import (
	"errors"
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/types"
)

// Strings of another encoding than UTF-8 are rewritten in the finished bytes
// of a request and in the bytes of an answer before anything is decoded, so
// that the rest of the package needs to know of one encoding only.

// encodeStrings rewrites the strings in b[start:] into the options' encoding.
func (c *Conn) encodeStrings(b []byte, start int) ([]byte, error) {
	r := mp.NewReader(append([]byte(nil), b[start:]...))
	b, err := rewriteStrings(b[:start], &r, func(s []byte) ([]byte, error) {
		return c.opts.Encoding.NewEncoder().Bytes(s)
	})
	if err != nil {
		return b, fmt.Errorf("a string can't be written in the connection's encoding: %w", err)
	}
	return b, nil
}

// encodeString returns a string in the options' encoding.
func (c *Conn) encodeString(s string) (string, error) {
	if c.opts.Encoding == nil || s == "" {
		return s, nil
	}
	return c.opts.Encoding.NewEncoder().String(s)
}

// decodedString returns a string of the options' encoding in UTF-8, or as it is where
// it is none.
func (c *Conn) decodedString(s string) string {
	if c.opts.Encoding == nil {
		return s
	}
	if decoded, err := c.opts.Encoding.NewDecoder().String(s); err == nil {
		return decoded
	}
	return s
}

// decoded returns a body with its strings in UTF-8. Where one can't be read in
// the options' encoding, or there is none, the body is returned as it is.
func (c *Conn) decoded(body []byte) []byte {
	if c.opts.Encoding == nil || len(body) == 0 {
		return body
	}
	r := mp.NewReader(body)
	out, err := rewriteStrings(nil, &r, func(s []byte) ([]byte, error) {
		return c.opts.Encoding.NewDecoder().Bytes(s)
	})
	if err != nil {
		return body
	}
	return out
}

// rewriteStrings appends the next value of r to b with every string in it
// rewritten.
func rewriteStrings(b []byte, r *mp.Reader, fn func([]byte) ([]byte, error)) ([]byte, error) {
	return rewrite(b, r, fn, maxExtensions)
}

// maxExtensions is how deeply extensions with values in them may be nested.
const maxExtensions = 64

func rewrite(b []byte, r *mp.Reader, fn func([]byte) ([]byte, error), depth int) ([]byte, error) {
	// Values nested in arrays and maps follow their head, so a count of those
	// still to come replaces recursion.
	for left := 1; left > 0; left-- {
		switch r.Type() {
		case mp.TypeString:
			s, err := fn(r.StringBytes())
			if err != nil {
				return b, err
			}
			b = mp.AppendStringBytes(b, s)
		case mp.TypeArray:
			n := r.ArrayLen()
			b = mp.AppendArrayLen(b, n)
			left += n
		case mp.TypeMap:
			n := r.MapLen()
			b = mp.AppendMapLen(b, n)
			left += 2 * n
		case mp.TypeExt:
			var err error
			if b, err = rewriteExt(b, r, fn, depth); err != nil {
				return b, err
			}
		default:
			b = append(b, r.Raw()...)
		}
		if err := r.Err(); err != nil {
			return b, err
		}
	}
	return b, nil
}

// rewriteExt is rewrite of an extension: a tuple and an error have strings in
// them.
func rewriteExt(b []byte, r *mp.Reader, fn func([]byte) ([]byte, error), depth int) ([]byte, error) {
	whole := *r
	typ, data := r.Ext()
	if typ != types.ExtTuple && typ != types.ExtError || r.Err() != nil {
		return append(b, whole.Raw()...), nil
	}
	if depth == 0 {
		return b, errors.New("tuples or errors are nested too deeply")
	}
	in := mp.NewReader(data)
	var inside []byte
	for in.Len() > 0 {
		var err error
		if inside, err = rewrite(inside, &in, fn, depth-1); err != nil {
			return b, err
		}
	}
	return mp.AppendExt(b, typ, inside), nil
}
