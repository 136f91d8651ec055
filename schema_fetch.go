package tnt

import (
	"context"
	"errors"
	"fmt"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Numbers of the views that hold the schema, and a bound for fetching it
// again when it changed meanwhile.
const (
	viewSpace       = 281
	viewIndex       = 289
	schemaFetchMost = 10
)

// fetchSchema reads the schema. do does a request on the session in question.
// DDL between its two selects makes it try again.
func fetchSchema(ctx context.Context, do func(context.Context, Request) (Response, error)) (*schema.Schema, error) {
	for try := 1; ; try++ {
		spaces, err := do(ctx, Select{SpaceID: viewSpace, Iterator: iproto.IterAll})
		if err != nil {
			return nil, err
		}
		indexes, err := do(ctx, Select{SpaceID: viewIndex, Iterator: iproto.IterAll})
		if err != nil {
			return nil, err
		}
		if spaces.SchemaVersion() == indexes.SchemaVersion() || try == schemaFetchMost {
			return sharedSchema(spaces, indexes)
		}
	}
}

// parseSchema makes a schema of the answers to the two selects.
func parseSchema(spaces, indexes Response) (*schema.Schema, error) {
	spaceRows, err1 := spaces.rows()
	indexRows, err2 := indexes.rows()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("the schema is not readable: %w", err)
	}
	return schema.Parse(spaces.SchemaVersion(), spaceRows, indexRows), nil
}
