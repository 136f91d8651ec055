package tnt

import "github.com/gotnt/tnt/iproto"

// What the machinery has to know of requests, by their types: it knows none of the
// structs.

// resolves reports whether requests of a type work on a space, so that their
// names are resolved by the schema.
func resolves(typ iproto.Type) bool {
	switch typ {
	case iproto.TypeSelect, iproto.TypeInsert, iproto.TypeReplace, iproto.TypeUpdate,
		iproto.TypeDelete, iproto.TypeUpsert, iproto.TypeInsertArrow:
		return true
	}
	return false
}

// isRead reports whether requests of a type change nothing.
func isRead(typ iproto.Type) bool {
	return typ == iproto.TypeSelect || typ == iproto.TypePing || typ == iproto.TypeWatchOnce
}

// runsCode reports whether a request runs what may do several things.
func runsCode(typ iproto.Type) bool {
	switch typ {
	case iproto.TypeCall, iproto.TypeCall16, iproto.TypeEval, iproto.TypeExecute:
		return true
	}
	return false
}
