package tnt

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"weak"

	"github.com/gotnt/tnt/schema"
)

// A schema takes tens of kilobytes, and a program's connections to one server
// all have the same. So the ones in use are kept, weakly, by what they were
// parsed from.
var shared = struct {
	sync.Mutex
	schemas map[schemaKey]weak.Pointer[schema.Schema]
}{schemas: map[schemaKey]weak.Pointer[schema.Schema]{}}

type schemaKey [sha256.Size]byte

// sharedSchema is parseSchema that returns the schema that another connection
// has already, if there is one.
func sharedSchema(spaces, indexes Response) (*schema.Schema, error) {
	key := keyOfSchema(spaces, indexes)
	shared.Lock()
	s := shared.schemas[key].Value()
	shared.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := parseSchema(spaces, indexes)
	if err != nil {
		return nil, err
	}
	shared.Lock()
	defer shared.Unlock()
	if first := shared.schemas[key].Value(); first != nil {
		return first, nil
	}
	shared.schemas[key] = weak.Make(s)
	runtime.AddCleanup(s, forgetSchema, key)
	return s, nil
}

// forgetSchema removes the entry of a schema that nobody uses any more.
func forgetSchema(key schemaKey) {
	shared.Lock()
	defer shared.Unlock()
	if shared.schemas[key].Value() == nil { // not one that came after
		delete(shared.schemas, key)
	}
}

func keyOfSchema(spaces, indexes Response) (key schemaKey) {
	h := sha256.New()
	var head [16]byte
	binary.BigEndian.PutUint64(head[:], spaces.SchemaVersion())
	binary.BigEndian.PutUint64(head[8:], uint64(len(spaces.body)))
	for _, part := range [][]byte{head[:], spaces.body, indexes.body} {
		_, _ = h.Write(part) // never fails
	}
	h.Sum(key[:0])
	return key
}
