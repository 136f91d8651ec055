package memtx

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/gotnt/tnt/internal/mp"
)

// Ids of system spaces.
const (
	schemaID    = 272
	collationID = 276
	spaceID     = 280
	vspaceID    = 281
	indexID     = 288
	userID      = 304
	privID      = 312
	truncateID  = 330
)

// systemRows are the rows that a new server's system spaces hold.
//
//go:embed system.json
var systemJSON []byte

// systemRows returns the rows by the name of their space.
var systemRows = sync.OnceValue(func() map[string][][]byte {
	d := json.NewDecoder(bytes.NewReader(systemJSON))
	d.UseNumber()
	all, err := AppendJSON(nil, d)
	if err != nil {
		panic(err) // the file is part of the program
	}
	rows := make(map[string][][]byte)
	n, rest := mapping(all)
	for range n {
		var k, v []byte
		k, rest = next(rest)
		v, rest = next(rest)
		rows[string(text(k))] = elements(v)
	}
	return rows
})

// bootstrap makes the system spaces and fills them.
func (e *Engine) bootstrap() {
	rows := systemRows()
	for _, r := range rows["_space"] {
		def, err := e.parseSpace(r)
		must(err)
		e.addSpace(def)
	}
	for _, r := range rows["_index"] {
		def, sp, err := e.parseIndex(r)
		must(err)
		must(e.addIndex(sp, def))
	}
	for _, name := range []string{"_schema", "_collation", "_space", "_index", "_user", "_priv"} {
		sp := e.spacesByName[name]
		switch name {
		case "_user":
			sp.onReplace = e.replaceUser
		case "_priv":
			sp.onReplace = e.replacePriv
		case "_collation":
			sp.onReplace = e.replaceCollation
		}
		for _, r := range rows[name] {
			_, err := e.Replace(nil, nil, &Change{Space: sp.Def.ID, Tuple: r})
			must(err)
		}
	}
	e.spaces[spaceID].onReplace = e.replaceSpace
	e.spaces[indexID].onReplace = e.replaceIndex
	e.spaces[truncateID].onReplace = e.replaceTruncate
	for _, sp := range e.spaces {
		if sp.Def.Engine == "sysview" {
			sp.source = e.spacesByName["_"+sp.Def.Name[2:]]
			sp.visible = e.viewFilter(sp.Def.Name)
		}
	}
	e.schemaVersion = firstSchemaVersion
}

// firstSchemaVersion is about what a real server has after its bootstrap.
const firstSchemaVersion = 80

func must(err *Error) {
	if err != nil {
		panic(err)
	}
}

// viewFilter tells which rows of a system view a user may see.
func (e *Engine) viewFilter(view string) func(u *User, tuple []byte) bool {
	field := func(tuple []byte, i int) uint64 {
		_, rest := array(tuple)
		for ; i > 0; i-- {
			_, rest = next(rest)
		}
		if len(rest) == 0 || typeOf(rest) != mp.TypeUint {
			return 0
		}
		return readInteger(rest).abs
	}
	var own func(u *User, tuple []byte) bool
	switch view {
	case "_vspace", "_vindex", "_vspace_sequence":
		own = func(u *User, tuple []byte) bool {
			sp := e.spaces[uint32(field(tuple, 0))]
			return sp != nil && (sp.Def.Owner == u.ID || u.access(object{typ: "space", id: field(tuple, 0)}) != 0)
		}
	case "_vuser":
		own = func(u *User, tuple []byte) bool {
			return field(tuple, 0) == uint64(u.ID) || field(tuple, 1) == uint64(u.ID)
		}
	case "_vpriv":
		own = func(u *User, tuple []byte) bool {
			return field(tuple, 0) == uint64(u.ID) || field(tuple, 1) == uint64(u.ID)
		}
	case "_vcollation":
		return nil
	default:
		own = func(u *User, tuple []byte) bool { return field(tuple, 1) == uint64(u.ID) }
	}
	return func(u *User, tuple []byte) bool {
		return u == nil || u.access(universe)&privRead != 0 || own(u, tuple)
	}
}
