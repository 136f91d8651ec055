package memtx

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"sync"
)

// Ids of system spaces.
const (
	schemaID    = 272
	collationID = 276
	spaceID     = 280
	vspaceID    = 281
	indexID     = 288

	sequenceID      = 284
	sequenceDataID  = 285
	spaceSequenceID = 340
	funcID          = 296
	userID          = 304
	privID          = 312
	truncateID      = 330
)

// Ids of users and roles that every server has.
const (
	adminID  = 1
	publicID = 2
	superID  = 31
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
	e.spaces[sequenceID].onReplace = e.replaceSequence
	e.spaces[sequenceDataID].onReplace = e.replaceSequenceData
	e.spaces[spaceSequenceID].onReplace = e.replaceSpaceSequence
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
