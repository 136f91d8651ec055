package tnttest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

func TestFaultOfSpace(t *testing.T) {
	srv := tnttest.Run(t, membersSpace, tnttest.WithSpace(tnttest.SpaceDef{
		ID: 600, Name: "other", Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	c := newClient(t, srv)
	sel := func(space uint64, name string) []byte {
		return frame(iproto.TypeSelect, 0, 1, func(w *wire.BodyWriter) {
			if name != "" {
				w.String(iproto.KeySpaceName, name)
			} else {
				w.Uint(iproto.KeySpaceID, space)
			}
			w.Uint(iproto.KeyLimit, 1)
			w.Raw(iproto.KeyKey, []byte{0x90})
		})
	}
	broken := &types.Error{Code: errcode.Loading, Message: "broken"}
	remove := srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Space: "kv", Error: broken})
	c.want(sel(512, ""), "broken")
	c.want(sel(0, "kv"), "broken")
	c.want(sel(600, ""), "OK")
	c.want(sel(281, ""), "OK")
	c.want(insertFrame(0, 1, 1), "OK")
	remove()
	c.want(sel(512, ""), "OK")

	remove = srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Error: broken})
	c.want(sel(281, ""), "OK") // the schema
	c.want(sel(0, "_vspace"), "OK")
	c.want(sel(600, ""), "broken")
	remove()
	remove = srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Space: "_vspace", Error: broken})
	c.want(sel(281, ""), "broken")
	c.want(sel(600, ""), "OK")
	remove()
	srv.Inject(tnttest.Fault{On: tnttest.AnyRequest, Error: broken})
	c.want(sel(281, ""), "broken")
}

func TestReadSchemaStrictly(t *testing.T) {
	for text, want := range map[string]string{
		`{"spaces": [{"name": "a", "indexs": []}]}`: `"indexs"`,
		`{"space": []}`: `"space"`,
		`{"spaces": [{"name": "a", "indexes": [{"name": "pk", "uniqe": false}]}]}`: `"uniqe"`,
		`{"spaces": []} {"users": {}}`:                                             "something behind it",
		`{"spaces": [`:                                                             "unexpected EOF",
	} {
		_, err := tnttest.ReadSchema(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %s", text, err, want)
		}
	}
	s, err := tnttest.ReadSchema(strings.NewReader(
		`{"spaces": [{"name": "a", "format": [{"name": "n", "type": "unsigned"}], "indexes": [{"name": "pk", "parts": [{"name": "n"}]}]}]}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	srv := tnttest.Run(t, tnttest.WithSchema(s))
	must(t, srv.Space("a").Insert(1))
}

func TestIndexesByName(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name: "people",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string", IsNullable: true}, {Name: "age", Type: "unsigned"},
		},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id"), tnttest.NonUniqueIndex("name_age", "name", "age")},
	}))
	people := srv.Space("people")
	must(t, people.Insert(1, "Ann", 30))
	must(t, people.Insert(2, "Ann", 30))
	must(t, people.Insert(3, nil, 30))
	for _, parts := range [][]tnttest.Part{{{Name: "nosuch"}}, {{Name: "id", Field: 1}}, {{}}} {
		err := srv.CreateSpace(tnttest.SpaceDef{
			Name: "wrong", Format: []tnttest.Field{{Name: "id"}}, Indexes: []tnttest.IndexDef{{Name: "pk", Parts: parts}},
		})
		if err == nil {
			t.Errorf("an index of %+v was made", parts)
		}
	}
}

func TestProcs(t *testing.T) {
	srv := tnttest.Run(t)
	var got []any
	tnttest.Proc0(srv, "p0", func(_ context.Context) error { return nil })
	tnttest.Proc1(srv, "p1", func(_ context.Context, a string) error { got = append(got, a); return nil })
	tnttest.Proc2(srv, "p2", func(_ context.Context, a int, b bool) error {
		got = append(got, a, b)
		return errcode.Readonly
	})
	must(t, srv.HandleFunc("none", func() {}))
	c := newClient(t, srv)
	c.want(callFrame(t, "p0"), "OK, sync 1: DATA: []")
	c.want(callFrame(t, "none"), "OK, sync 1: DATA: []")
	c.want(callFrame(t, "p1", "x"), "OK, sync 1: DATA: []")
	c.want(callFrame(t, "p2", 7, true), "ClientError 7")
	c.want(callFrame(t, "p2", "seven"), "argument 1")
	if len(got) != 3 || got[0] != "x" || got[1] != 7 || got[2] != true {
		t.Errorf("the functions got %v", got)
	}
}
