package crud

import (
	"context"
	"time"

	"github.com/gotnt/tnt/internal/luacall"
)

// Common are the options of all functions. A field that is not set is not
// sent, so crud's own default holds.
type Common struct {
	// Timeout for crud, where it is less than what is left of the context's
	// time. Default: the context's.
	Timeout time.Duration
	// Router is the name of the vshard router, or of the group in Cartridge.
	Router string
}

// Reading are the options of functions that read.
type Reading struct {
	// Write reads from the master ("mode write"): what was written before is
	// seen. Default: from a replica or the master.
	Write bool
	// PreferReplica reads from a replica where one can be reached.
	PreferReplica bool
	// Balance takes the instances of a replica set in turn.
	Balance bool
	// RequestTimeout is for one attempt on one instance, after which crud asks
	// another. It is cut to the Timeout, as crud fails on more.
	RequestTimeout time.Duration
}

// WriteOptions are those of functions that write one tuple.
type WriteOptions struct {
	Common
	// Bucket that the tuple is in. Default: what its sharding key makes.
	Bucket uint32
	// Fields of the answer's row, by names. Default: all.
	Fields []string
	// NoReturn leaves the row out of the answer; the function returns a zero T.
	NoReturn bool
	// LatestMetadata has the router ask the storages for their newest format.
	LatestMetadata bool
	// SkipNullability lets an object lack fields that can't be null, for those
	// that are filled in on the storage.
	SkipNullability bool
}

// ManyOptions are those of functions that write many tuples.
type ManyOptions struct {
	Common
	Fields          []string // as in WriteOptions
	NoReturn        bool     // likewise
	LatestMetadata  bool     // likewise
	SkipNullability bool     // likewise
	// StopOnError stops each storage at its first failure.
	StopOnError bool
	// RollbackOnError undoes what a storage did, where one of its tuples failed.
	// Other storages' writes stay.
	RollbackOnError bool
}

// GetOptions are those of Get.
type GetOptions struct {
	Common
	Reading
	Bucket         uint32   // as in WriteOptions
	Fields         []string // likewise
	LatestMetadata bool     // likewise
}

// SelectOptions are those of Select and Pages.
type SelectOptions struct {
	Common
	Reading
	Bucket         uint32   // as in WriteOptions
	Fields         []string // likewise; fields of the index are added behind them
	LatestMetadata bool     // likewise
	// First is how many rows are wanted. Negative: those before After, whose
	// number is -First. Default: all.
	First int
	// After is the row that the wanted ones are behind: a list, a tnt.Tuple or a
	// struct without names in its tags, as far as the index's fields go. Pages goes
	// from row to row by itself. Default: none.
	After any
	// BatchSize is how many rows the router takes from a storage at once.
	BatchSize int
	// ForceMapCall asks all storages although the conditions name one bucket.
	ForceMapCall bool
	// FullScan says that reading all is meant.
	FullScan bool
	// YieldEvery is after how many rows the storage lets others work.
	YieldEvery int
}

// CountOptions are those of Count.
type CountOptions struct {
	Common
	Reading
	Bucket       uint32 // as in WriteOptions
	ForceMapCall bool   // as in SelectOptions
	FullScan     bool   // likewise
	YieldEvery   int    // likewise
}

// BorderOptions are those of Min and Max.
type BorderOptions struct {
	Common
	Reading
	Fields         []string // as in WriteOptions
	LatestMetadata bool     // likewise
}

// options collects what is set.
type options map[string]any

func (o options) flag(name string, on bool) {
	if on {
		o[name] = true
	}
}

func (o options) number(name string, n int) {
	if n != 0 {
		o[name] = n
	}
}

func (o options) fields(list []string) {
	if len(list) > 0 {
		o["fields"] = list
	}
}

// common adds the options of all functions, and what is left of the context's
// time.
func (o options) common(ctx context.Context, c Common) error {
	left, bounded, err := luacall.Timeout(ctx, c.Timeout)
	if err != nil {
		return err
	}
	if bounded {
		o["timeout"] = luacall.Seconds(left)
	}
	if c.Router != "" {
		o["vshard_router"] = c.Router
	}
	return nil
}

// reading adds the options of reading; those of all functions come first.
func (o options) reading(r Reading) {
	if r.Write {
		o["mode"] = "write"
	}
	o.flag("prefer_replica", r.PreferReplica)
	o.flag("balance", r.Balance)
	if r.RequestTimeout > 0 {
		seconds := luacall.Seconds(r.RequestTimeout)
		if whole, ok := o["timeout"].(float64); ok {
			seconds = min(seconds, whole)
		}
		o["request_timeout"] = seconds
	}
}

func (w WriteOptions) encode(ctx context.Context) (options, error) {
	o := options{}
	o.number("bucket_id", int(w.Bucket))
	o.fields(w.Fields)
	o.flag("noreturn", w.NoReturn)
	o.flag("fetch_latest_metadata", w.LatestMetadata)
	o.flag("skip_nullability_check_on_flatten", w.SkipNullability)
	return o, o.common(ctx, w.Common)
}

func (m ManyOptions) encode(ctx context.Context) (options, error) {
	o := options{}
	o.fields(m.Fields)
	o.flag("noreturn", m.NoReturn)
	o.flag("fetch_latest_metadata", m.LatestMetadata)
	o.flag("skip_nullability_check_on_flatten", m.SkipNullability)
	o.flag("stop_on_error", m.StopOnError)
	o.flag("rollback_on_error", m.RollbackOnError)
	return o, o.common(ctx, m.Common)
}

func (g GetOptions) encode(ctx context.Context) (options, error) {
	o := options{}
	o.number("bucket_id", int(g.Bucket))
	o.fields(g.Fields)
	o.flag("fetch_latest_metadata", g.LatestMetadata)
	err := o.common(ctx, g.Common)
	o.reading(g.Reading)
	return o, err
}

func (s SelectOptions) encode(ctx context.Context) (options, error) {
	o := options{}
	o.number("bucket_id", int(s.Bucket))
	o.fields(s.Fields)
	o.flag("fetch_latest_metadata", s.LatestMetadata)
	o.number("first", s.First)
	o.number("batch_size", s.BatchSize)
	o.flag("force_map_call", s.ForceMapCall)
	o.flag("fullscan", s.FullScan)
	o.number("yield_every", s.YieldEvery)
	if s.After != nil {
		after, err := luacall.List(s.After)
		if err != nil {
			return nil, err
		}
		o["after"] = after
	}
	err := o.common(ctx, s.Common)
	o.reading(s.Reading)
	return o, err
}

func (c CountOptions) encode(ctx context.Context) (options, error) {
	o := options{}
	o.number("bucket_id", int(c.Bucket))
	o.flag("force_map_call", c.ForceMapCall)
	o.flag("fullscan", c.FullScan)
	o.number("yield_every", c.YieldEvery)
	err := o.common(ctx, c.Common)
	o.reading(c.Reading)
	return o, err
}

func (b BorderOptions) encode(ctx context.Context) (options, error) {
	o := options{}
	o.fields(b.Fields)
	o.flag("fetch_latest_metadata", b.LatestMetadata)
	err := o.common(ctx, b.Common)
	o.reading(b.Reading)
	return o, err
}
