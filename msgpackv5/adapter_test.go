package msgpackv5_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/msgpackv5"
	"github.com/gotnt/tnt/tnttest"
)

// user is written by the library's tags.
type user struct {
	_msgpack struct{} `msgpack:",as_array"` //nolint:unused // the library's way
	ID       uint64
	Name     string
	Where    point
}

// point has its own encoding.
type point struct{ X, Y int }

func (p point) EncodeMsgpack(enc *msgpack.Encoder) error {
	return enc.Encode(fmt.Sprintf("%d/%d", p.X, p.Y))
}

func (p *point) DecodeMsgpack(dec *msgpack.Decoder) error {
	text, err := dec.DecodeString()
	if err != nil {
		return err
	}
	_, err = fmt.Sscanf(text, "%d/%d", &p.X, &p.Y)
	return err
}

func TestValue(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "users",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "where", Type: "string"}},
		Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	ctx := context.Background()
	conn, err := tnt.Connect(ctx, srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Disconnect(ctx) }()

	want := user{ID: 200, Name: "Alice", Where: point{-3, 4000}}
	stored, err := conn.Insert(ctx, "users", msgpackv5.Of(want))
	if err != nil {
		t.Fatal(err)
	}
	if got := stored.String(); got != `[id: 200, name: "Alice", where: "-3/4000"]` {
		t.Errorf("stored %s", got)
	}
	got, err := tnt.One[msgpackv5.Value[user]](ctx, conn, tnt.Select{Space: "users", Key: tnt.K(200)})
	if err != nil || got.V != want {
		t.Errorf("got %+v, %v", got.V, err)
	}

	// As a field of a tuple.
	type row struct {
		ID    uint64
		Name  string
		Where msgpackv5.Value[point]
	}
	if _, err := conn.Replace(ctx, "users", row{201, "Bob", msgpackv5.Of(point{1, 2})}); err != nil {
		t.Fatal(err)
	}
	bob, err := tnt.One[row](ctx, conn, tnt.Select{Space: "users", Key: tnt.K(201)})
	if err != nil || bob.Where.V != (point{1, 2}) {
		t.Errorf("got %+v, %v", bob, err)
	}
}

func TestValueThatFails(t *testing.T) {
	if _, err := msgpackv5.Of(make(chan int)).MarshalMsg(nil); err == nil {
		t.Error("a channel was encoded")
	}
	var v msgpackv5.Value[point]
	if _, err := v.UnmarshalMsg([]byte{0x05}); err == nil {
		t.Error("a number was decoded as a point")
	}
}
