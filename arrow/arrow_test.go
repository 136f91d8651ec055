package arrow_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/gotnt/tnt"
	tntarrow "github.com/gotnt/tnt/arrow"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// endOfStream is the marker that ends a stream, and that the request lacks.
const endOfStream = "\xff\xff\xff\xff\x00\x00\x00\x00"

// ofTarantool is a batch with a column "a" of one int64, as the test
// gh_10508_iproto_insert_arrow_test.lua of Tarantool 3.3 has it.
const ofTarantool = "ffffffff70000000040000009effffff0400010004000000" +
	"b6ffffff0c00000004000000000000000100000004000000daffffff140000000202" +
	"000004000000f0ffffff4000000001000000610000000600080004000c0010000400" +
	"080009000c000c000c0000000400000008000a000c00040006000800ffffffff8800" +
	"0000040000008affffff0400030010000000080000000000000000000000acffffff" +
	"01000000000000003400000008000000000000000200000000000000000000000000" +
	"00000000000000000000000000000800000000000000000000000100000001000000" +
	"0000000000000000000000000a00140004000c0010000c0014000400060008000c00" +
	"00000000000000000000"

// newBatch makes a batch of columns and of rows in JSON.
func newBatch(t *testing.T, mem memory.Allocator, rows string, columns ...arrow.Field) arrow.RecordBatch {
	t.Helper()
	batch, _, err := array.RecordFromJSON(mem, arrow.NewSchema(columns, nil), strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

var (
	id    = arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Uint64}
	name  = arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}
	price = arrow.Field{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	tags  = arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}
	at    = arrow.Field{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us}
)

// batches are what tests encode.
var batches = []struct {
	name    string
	rows    string
	columns []arrow.Field
}{
	{"one row", `[{"id": 1}]`, []arrow.Field{id}},
	{"no rows", `[]`, []arrow.Field{id, name}},
	{"no columns", `[]`, nil},
	{"nulls", `[{"id": 1, "name": "a", "price": 0.5}, {"id": 2, "name": null, "price": null}]`, []arrow.Field{id, name, price}},
	{"a list and a time", `[{"tags": ["a", "b"], "at": "2026-01-02T03:04:05Z"}, {"tags": null, "at": "1970-01-01T00:00:00Z"}]`, []arrow.Field{tags, at}},
}

// read reads the one batch of a stream.
func read(t *testing.T, stream []byte) arrow.RecordBatch {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	batch, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	batch.Retain()
	t.Cleanup(batch.Release)
	if r.Next() {
		t.Error("there is a second batch")
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
	return batch
}

func TestEncode(t *testing.T) {
	for _, c := range batches {
		t.Run(c.name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			batch := newBatch(t, mem, c.rows, c.columns...)
			defer batch.Release()
			encoded, err := tntarrow.Encode(batch)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasSuffix(encoded, []byte(endOfStream)) {
				t.Error("it has the marker of the end")
			}
			if len(encoded) != cap(encoded) {
				t.Error("behind it is the marker of the end, for an append to find")
			}
			for _, stream := range [][]byte{encoded, append(encoded, endOfStream...)} {
				got := read(t, stream)
				if !array.RecordEqual(got, batch) || !got.Schema().Equal(batch.Schema()) {
					t.Errorf("got  %v\nwant %v", got, batch)
				}
			}
		})
	}
}

// TestEncodeSlice has a part of a batch encoded as such.
func TestEncodeSlice(t *testing.T) {
	whole := newBatch(t, memory.DefaultAllocator, `[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]`, id, name)
	defer whole.Release()
	part := whole.NewSlice(1, 2)
	defer part.Release()
	encoded, err := tntarrow.Encode(part)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, encoded); !array.RecordEqual(got, part) {
		t.Errorf("got %v", got)
	}
}

// TestEncodeAsTarantool reads what Tarantool's own test sends, and finds in it
// what is encoded here.
func TestEncodeAsTarantool(t *testing.T) {
	theirs, err := hex.DecodeString(ofTarantool)
	if err != nil {
		t.Fatal(err)
	}
	want := read(t, theirs)
	encoded, err := tntarrow.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, encoded); !array.RecordEqual(got, want) || !got.Schema().Equal(want.Schema()) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestEncodedOutlivesTheBatch has the bytes whole when the batch's memory is
// used for something else.
func TestEncodedOutlivesTheBatch(t *testing.T) {
	ids := []uint64{1, 2, 3}
	column := array.NewUint64Data(array.NewData(id.Type, len(ids),
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Uint64Traits.CastToBytes(ids))}, nil, 0, 0))
	defer column.Release()
	batch := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{id}, nil), []arrow.Array{column}, int64(len(ids)))
	defer batch.Release()
	encoded, err := tntarrow.Encode(batch)
	if err != nil {
		t.Fatal(err)
	}
	clear(ids)
	if got := read(t, encoded).Column(0).(*array.Uint64).Uint64Values(); got[0] != 1 || got[2] != 3 {
		t.Errorf("got %v", got)
	}
}

func TestEncodeRefuses(t *testing.T) {
	words := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	nested := arrow.StructOf(arrow.Field{Name: "inner", Type: arrow.ListOf(words)})
	for _, c := range []struct {
		name   string
		column arrow.DataType
	}{
		{"a dictionary", words},
		{"a dictionary in a list in a struct", nested},
		{"a dictionary in an extension", extensions.NewOpaqueType(words, "words", "tests")},
	} {
		t.Run(c.name, func(t *testing.T) {
			column := array.MakeArrayOfNull(memory.DefaultAllocator, c.column, 1)
			defer column.Release()
			schema := arrow.NewSchema([]arrow.Field{{Name: "words", Type: c.column, Nullable: true}}, nil)
			batch := array.NewRecordBatch(schema, []arrow.Array{column}, 1)
			defer batch.Release()
			var refused *tntarrow.DictionaryError
			encoded, err := tntarrow.Encode(batch)
			if !errors.As(err, &refused) || refused.Column != "words" || encoded != nil {
				t.Errorf("got %d bytes, %v", len(encoded), err)
			}
		})
	}
	if req, err := tntarrow.Insert("items", nil); !errors.Is(err, tntarrow.ErrNoBatch) || req.IPC != nil {
		t.Errorf("no batch: got %v, %v", req, err)
	}
}

// TestInsert has servers take the request as well-formed: they refuse it for
// the engine they lack, and not for what they got.
func TestInsert(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
			Name:    "items",
			Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}},
			Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}))
		insert(t, srv.Addr())
	})
	programs, err := tarantool.Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) {
			if !p.Version.AtLeast(3, 3, 0) {
				t.Skipf("takes Tarantool 3.3, this is %v", p.Version)
			}
			srv, err := tarantool.Start(p.Path, "box.schema.space.create('items', {format = {{name = 'id', type = 'unsigned'}}}):create_index('primary')")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = srv.Close() })
			insert(t, srv.Address)
		})
	}
}

func insert(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := tnt.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Disconnect(ctx) }()
	for _, c := range batches {
		batch := newBatch(t, memory.DefaultAllocator, c.rows, c.columns...)
		req, err := tntarrow.Insert("items", batch)
		batch.Release()
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Do(ctx, req)
		if !errors.Is(err, errcode.Unsupported) || !strings.Contains(err.Error(), "does not support arrow format") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
