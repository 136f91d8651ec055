package crud

import (
	"context"

	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/schema"
)

// SpaceSchema is what crud tells of a space.
type SpaceSchema struct {
	Format  *schema.Format
	Indexes []Index // in the order of their numbers; that of buckets is left out
}

// Index is an index of a space.
type Index struct {
	ID     uint32 `tnt:"id"`
	Name   string `tnt:"name"`
	Type   string `tnt:"type"`
	Unique bool   `tnt:"unique"`
	Parts  []Part `tnt:"parts"`
}

// Part is a part of an index.
type Part struct {
	FieldNo     int    `tnt:"fieldno"` // counted from 1
	Type        string `tnt:"type"`
	Collation   string `tnt:"collation"`
	Path        string `tnt:"path"`
	IsNullable  bool   `tnt:"is_nullable"`
	ExcludeNull bool   `tnt:"exclude_null"`
}

// SchemaOptions are those of Schema and Schemas.
type SchemaOptions struct {
	Common
	Cached bool // as the router last saw it, which may be stale
}

func (s SchemaOptions) encode(ctx context.Context) (options, error) {
	return encode(ctx, s.Common, nil, options{"cached": s.Cached})
}

// Schema returns the schema of a space.
func Schema(ctx context.Context, c Client, space string, opts ...SchemaOptions) (SpaceSchema, error) {
	v, err := schemaOf(ctx, c, space, opts)
	if err != nil {
		return SpaceSchema{}, err
	}
	return parseSpace(v)
}

// Schemas returns the schemas of all spaces that are sharded, by their names.
func Schemas(ctx context.Context, c Client, opts ...SchemaOptions) (map[string]SpaceSchema, error) {
	v, err := schemaOf(ctx, c, nil, opts)
	if err != nil {
		return nil, err
	}
	spaces := make(map[string]SpaceSchema)
	v.Map(func(name string, value luacall.Value) {
		if err == nil {
			spaces[name], err = parseSpace(value)
		}
	})
	return spaces, err
}

func schemaOf(ctx context.Context, c Client, space any, opts []SchemaOptions) (luacall.Value, error) {
	s, err := only(opts)
	if err != nil {
		return nil, err
	}
	o, err := s.encode(ctx)
	if err != nil {
		return nil, err
	}
	return c.call(ctx, "schema", space, o)
}

func parseSpace(v luacall.Value) (s SpaceSchema, err error) {
	var fields []schema.Field
	for _, field := range v.Get("format").Values() {
		fields = append(fields, schema.Field{
			Name: field.Get("name").Text(), Type: field.Get("type").Text(), IsNullable: field.Get("is_nullable").Bool(),
		})
	}
	s.Format = schema.NewFormat(fields...)
	// Indexes are a list, or a map by numbers where one is left out.
	for _, index := range v.Get("indexes").Values() {
		i, err := luacall.Decode[Index](index, nil)
		if err != nil {
			return s, err
		}
		s.Indexes = append(s.Indexes, i)
	}
	return s, nil
}

// Instance is what crud tells of a storage.
type Instance struct {
	Status   string `tnt:"status"` // "running", "uninitialized" or "error"
	IsMaster bool   `tnt:"is_master"`
	Message  string `tnt:"message"` // of the error
}

// StorageInfo returns the state of each storage by its name, or its UUID.
func StorageInfo(ctx context.Context, c Client, opts ...Common) (map[string]Instance, error) {
	o, err := commonOptions(ctx, opts)
	if err != nil {
		return nil, err
	}
	v, err := c.call(ctx, "storage_info", o)
	if err != nil {
		return nil, err
	}
	return luacall.Decode[map[string]Instance](v, nil)
}

// Operations are a kind of operation's counts, those that succeeded and those
// that failed.
type Operations struct {
	OK    Counts `tnt:"ok"`
	Error Counts `tnt:"error"`
}

// Counts are statistics of calls. Times are in seconds.
type Counts struct {
	Count          uint64  `tnt:"count"`
	Time           float64 `tnt:"time"`
	Latency        float64 `tnt:"latency"`
	LatencyAverage float64 `tnt:"latency_average"`
}

// Stats returns a space's statistics by operation ("insert", "select" and so
// on). It is empty where the router keeps none (crud.cfg{stats = true} has it
// keep them), or the space was not used yet.
func Stats(ctx context.Context, c Client, space string) (map[string]Operations, error) {
	v, err := c.call(ctx, "stats", space)
	if err != nil {
		return nil, err
	}
	return parseStats(v)
}

func parseStats(v luacall.Value) (map[string]Operations, error) {
	stats := make(map[string]Operations)
	var err error
	v.Map(func(name string, value luacall.Value) {
		// map_reduces and the like are counts without an outcome.
		if err != nil || value.Get("ok").IsNil() {
			return
		}
		stats[name], err = luacall.Decode[Operations](value, nil)
	})
	return stats, err
}

// AllStats returns the statistics of all spaces by their names; see Stats.
func AllStats(ctx context.Context, c Client) (map[string]map[string]Operations, error) {
	v, err := c.call(ctx, "stats")
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string]Operations)
	v.Get("spaces").Map(func(name string, value luacall.Value) {
		if err == nil {
			all[name], err = parseStats(value)
		}
	})
	return all, err
}
