package main

import "github.com/gotnt/tnt/tnttest"

// embedded is the embedded server with what the demonstration calls.
type embedded struct{ *tnttest.Server }

// startEmbedded starts the embedded server on a port of its own.
func startEmbedded() (*embedded, error) {
	srv, err := tnttest.Start(tnttest.WithLogLimit(0))
	if err != nil {
		return nil, err
	}
	srv.HandleDemo()
	srv.Handle("count", func(c *tnttest.Call) ([]any, error) {
		n, err := tnttest.Arg[int](c, 0)
		if err != nil {
			return nil, err
		}
		for i := 1; i <= n; i++ {
			if err := c.Push(i); err != nil {
				return nil, err
			}
		}
		return []any{"end"}, nil
	})
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		_ = srv.Close()
		return nil, err
	}
	return &embedded{srv}, nil
}

// makeSpace makes the space of the demonstration.
func (e *embedded) makeSpace(name string) error {
	multiple := false
	return e.CreateSpace(tnttest.SpaceDef{
		Name: name,
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "age", Type: "unsigned"},
		},
		Indexes: []tnttest.IndexDef{
			{Name: "primary", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "name", Unique: &multiple, Parts: []tnttest.Part{{Field: 2, Type: "string"}}},
		},
	})
}
