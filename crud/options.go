package crud

import (
	"context"
	"reflect"
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

// options are what is sent: that is set, and nothing else.
type options map[string]any

// encode collects the options that are not zero, those of all functions, and those of
// reading, which are nil for functions that write.
func encode(ctx context.Context, c Common, r *Reading, own options) (options, error) {
	o := options{}
	for name, v := range own {
		if r := reflect.ValueOf(v); !r.IsZero() && (r.Kind() != reflect.Slice || r.Len() > 0) {
			o[name] = v
		}
	}
	err := o.common(ctx, c)
	if r != nil {
		o.reading(*r)
	}
	return o, err
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
	if r.PreferReplica {
		o["prefer_replica"] = true
	}
	if r.Balance {
		o["balance"] = true
	}
	if r.RequestTimeout > 0 {
		seconds := luacall.Seconds(r.RequestTimeout)
		if whole, ok := o["timeout"].(float64); ok {
			seconds = min(seconds, whole)
		}
		o["request_timeout"] = seconds
	}
}

// The names of options that several functions have.
const (
	optBucket     = "bucket_id"
	optFields     = "fields"
	optNoReturn   = "noreturn"
	optLatest     = "fetch_latest_metadata"
	optNulls      = "skip_nullability_check_on_flatten"
	optMapCall    = "force_map_call"
	optFullScan   = "fullscan"
	optYieldEvery = "yield_every"
)

func (w WriteOptions) encode(ctx context.Context) (options, error) {
	return encode(ctx, w.Common, nil, options{
		optBucket: w.Bucket, optFields: w.Fields, optNoReturn: w.NoReturn, optLatest: w.LatestMetadata, optNulls: w.SkipNullability,
	})
}

func (m ManyOptions) encode(ctx context.Context) (options, error) {
	return encode(ctx, m.Common, nil, options{
		optFields: m.Fields, optNoReturn: m.NoReturn, optLatest: m.LatestMetadata, optNulls: m.SkipNullability,
		"stop_on_error": m.StopOnError, "rollback_on_error": m.RollbackOnError,
	})
}

func (g GetOptions) encode(ctx context.Context) (options, error) {
	return encode(ctx, g.Common, &g.Reading, options{optBucket: g.Bucket, optFields: g.Fields, optLatest: g.LatestMetadata})
}

func (s SelectOptions) encode(ctx context.Context) (options, error) {
	own := options{
		optBucket: s.Bucket, optFields: s.Fields, optLatest: s.LatestMetadata, optMapCall: s.ForceMapCall, optFullScan: s.FullScan,
		optYieldEvery: s.YieldEvery, "first": s.First, "batch_size": s.BatchSize,
	}
	if s.After != nil {
		after, err := luacall.List(s.After)
		if err != nil {
			return nil, err
		}
		own["after"] = after
	}
	return encode(ctx, s.Common, &s.Reading, own)
}

func (c CountOptions) encode(ctx context.Context) (options, error) {
	return encode(ctx, c.Common, &c.Reading, options{
		optBucket: c.Bucket, optMapCall: c.ForceMapCall, optFullScan: c.FullScan, optYieldEvery: c.YieldEvery,
	})
}

func (b BorderOptions) encode(ctx context.Context) (options, error) {
	return encode(ctx, b.Common, &b.Reading, options{optFields: b.Fields, optLatest: b.LatestMetadata})
}
