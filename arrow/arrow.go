// Package arrow makes requests of record batches of github.com/apache/arrow-go,
// the Go library of Apache Arrow. It is a module of its own, so that who does
// not need that library does not have it.
//
// Its name is that of the library's package; whoever uses both names one of
// them in the import.
package arrow

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/gotnt/tnt"
)

// ErrNoBatch is the error of a batch that is nil.
var ErrNoBatch = errors.New("there is no batch: it is nil")

// DictionaryError reports a column that is encoded by a dictionary, or has a
// part that is: the dictionary would be a message of its own, and the request
// has one of the schema and one of the record batch. Make the column one of
// plain values, by compute.CastArray for one.
type DictionaryError struct {
	Column string // the name of the column
}

// Error says which column it is.
func (e *DictionaryError) Error() string {
	return fmt.Sprintf("column %q is encoded by a dictionary", e.Column)
}

// Insert returns the request that inserts the rows of a batch into a space.
// The columns of the batch are the fields of the space with the same names.
// For a space given by its number, set the request's SpaceID and make its Space
// "".
//
// The errors and the ownership of memory are those of Encode.
func Insert(space string, batch arrow.RecordBatch) (tnt.InsertArrow, error) {
	encoded, err := Encode(batch)
	return tnt.InsertArrow{Space: space, IPC: encoded}, err
}

// Encode returns a batch in Arrow's IPC streaming format as InsertArrow wants
// it: a message with the schema and one with the record batch, not compressed,
// without the end-of-stream marker.
//
// The bytes are the caller's and hold a copy of the batch's data. The batch is
// neither changed nor retained: it may be released when Encode has returned.
// Batches don't change, so one may be encoded by several goroutines at once.
//
// The error is ErrNoBatch, a *DictionaryError, or the library's own where it
// can't encode the batch; there are no bytes then.
func Encode(batch arrow.RecordBatch) ([]byte, error) {
	if batch == nil {
		return nil, ErrNoBatch
	}
	for _, column := range batch.Schema().Fields() {
		if hasDictionary(column.Type) {
			return nil, &DictionaryError{Column: column.Name}
		}
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(batch.Schema()))
	if err := w.Write(batch); err != nil {
		return nil, err
	}
	messages := out.Len()
	// Close writes the marker, which is cut off.
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes()[:messages:messages], nil
}

// hasDictionary reports whether a type, or one that it is made of, is encoded by
// a dictionary.
func hasDictionary(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return true
	case arrow.ExtensionType:
		return hasDictionary(t.StorageType())
	case arrow.NestedType:
		for _, field := range t.Fields() {
			if hasDictionary(field.Type) {
				return true
			}
		}
	}
	return false
}
