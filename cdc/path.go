package cdc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// A step is one of a path inside a tuple: a place in an array, or a key of a
// map. A place is a map's numeric key, too.
type step struct {
	key   string
	index int // from 0
	isKey bool
}

// matches reports whether an encoded key of a map is the step's.
func (s step) matches(key []byte) bool {
	r := mp.NewReader(key)
	switch r.Type() {
	case mp.TypeString:
		return s.isKey && r.String() == s.key
	case mp.TypeUint:
		return !s.isKey && r.Uint() == uint64(s.index)+1
	}
	return false
}

func (s step) encode() []byte {
	if s.isKey {
		return mp.AppendString(nil, s.key)
	}
	return mp.AppendInt(nil, int64(s.index)+1)
}

// operationPath returns where an operation points to. A whole name wins over a
// path, as on the server.
func operationPath(op *Operation, format *schema.Format) ([]step, error) {
	if op.Path == "" {
		return []step{{index: op.Field}}, nil
	}
	if i, ok := format.Index(op.Path); ok {
		return []step{{index: i}}, nil
	}
	path, err := parsePath(op.Path)
	if err != nil {
		return nil, err
	}
	if path[0].isKey {
		i, ok := format.Index(path[0].key)
		if !ok {
			return nil, fmt.Errorf("%w: %q", errNoField, path[0].key)
		}
		path[0] = step{index: i}
	}
	return path, nil
}

// parsePath reads a JSON path of Tarantool's: name.key[1]["key"]. Places count
// from 1.
func parsePath(s string) ([]step, error) {
	var path []step
	for rest := s; rest != ""; {
		switch {
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if quote := rest[1:]; quote != "" && (quote[0] == '"' || quote[0] == '\'') {
				if close := strings.IndexByte(quote[1:], quote[0]); close >= 0 && strings.HasPrefix(quote[close+2:], "]") {
					path = append(path, step{key: quote[1 : close+1], isKey: true})
					rest = quote[close+3:]
					continue
				}
				end = -1
			}
			n := 0
			var err error
			if end > 0 {
				n, err = strconv.Atoi(rest[1:end])
			}
			if end < 0 || err != nil || n < 1 {
				return nil, fmt.Errorf("invalid JSON path %q", s)
			}
			path = append(path, step{index: n - 1})
			rest = rest[end+1:]
		case rest[0] == '.' && len(path) > 0 || len(path) == 0 && rest[0] != '.':
			rest = strings.TrimPrefix(rest, ".")
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("invalid JSON path %q", s)
			}
			path = append(path, step{key: rest[:end], isKey: true})
			rest = rest[end:]
		default:
			return nil, fmt.Errorf("invalid JSON path %q", s)
		}
	}
	if len(path) == 0 {
		return nil, fmt.Errorf("invalid JSON path %q", s)
	}
	return path, nil
}
