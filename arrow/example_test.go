package arrow_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/gotnt/tnt"
	tntarrow "github.com/gotnt/tnt/arrow"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

func ExampleInsert() {
	schema := tnttest.Schema{Spaces: []tnttest.SpaceDef{{
		Name:    "items",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
		Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1}}}},
	}}}
	srv, err := tnttest.Start(tnttest.WithSchema(schema))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	address, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	conn, err := tnt.Connect(ctx, address.String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	// Columns have the names of the space's fields.
	rows := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "name", Type: arrow.BinaryTypes.String},
	}, nil))
	defer rows.Release()
	rows.Field(0).(*array.Uint64Builder).AppendValues([]uint64{1, 2}, nil)
	rows.Field(1).(*array.StringBuilder).AppendValues([]string{"tea", "milk"}, nil)
	batch := rows.NewRecordBatch()
	defer batch.Release()

	req, err := tntarrow.Insert("items", batch)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The embedded server has no engine with columns, and neither has
	// Tarantool's Community Edition.
	if _, err := conn.Do(ctx, req); errors.Is(err, errcode.Unsupported) {
		fmt.Println("this server has no engine with columns")
	} else if err != nil {
		fmt.Println(err)
	}
	// Output: this server has no engine with columns
}
