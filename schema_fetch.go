package tnt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt/errcode"
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

// fetchSchema reads the schema. DDL between its two selects makes it try again.
func (c *Conn) fetchSchema(ctx context.Context, l *live) (*schema.Schema, error) {
	for try := 1; ; try++ {
		spaces, err := c.ask(ctx, l, Select{SpaceID: viewSpace, Iterator: iproto.IterAll}, time.Time{})
		if err != nil {
			return nil, err
		}
		indexes, err := c.ask(ctx, l, Select{SpaceID: viewIndex, Iterator: iproto.IterAll}, time.Time{})
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

// keepsSchema reports whether the connection keeps its schema up to date.
func (c *Conn) keepsSchema() bool { return !c.opts.NoSchema && !c.opts.NoSchemaRefetch }

// schemaFetch is a fetch of the schema on its way. Its goroutine ends with the
// session at the latest.
type schemaFetch struct {
	done   chan struct{}
	adopt  bool           // it is to be the session's; under live.fetchMu
	schema *schema.Schema // set before done is closed
	err    error          // likewise
}

// refetch starts to fetch the schema of a session, or joins the fetch that is on
// its way. Where adopt is false, the session's schema may stay what it is.
func (c *Conn) refetch(l *live, adopt bool) *schemaFetch {
	l.fetchMu.Lock()
	defer l.fetchMu.Unlock()
	if l.fetch == nil {
		l.fetch = &schemaFetch{done: make(chan struct{})}
		go c.fetchFor(l, l.fetch)
	}
	l.fetch.adopt = l.fetch.adopt || adopt
	return l.fetch
}

// fetchFor fetches the schema and, where it is to be adopted, makes it the
// session's.
func (c *Conn) fetchFor(l *live, f *schemaFetch) {
	ctx, cancel := c.connectContext(context.Background())
	defer cancel()
	if most := c.opts.DeadAfter; c.opts.ConnectTimeout == Never && most != Never {
		ctx, cancel = context.WithTimeoutCause(ctx, most, errSilent)
		defer cancel()
	}
	l.restBeforeFetch()
	began := time.Now()
	s, err := c.fetchSchema(ctx, l)
	l.fetchMu.Lock()
	adopt := f.adopt
	switch {
	case err == nil && adopt:
		l.setSchema(s)
	case err == nil:
		l.fetched.Store(time.Now().UnixNano())
	}
	l.fetchTook = time.Since(began)
	l.fetch = nil
	l.fetchMu.Unlock()
	f.schema, f.err = s, err
	if err == nil {
		l.verified.Store(s)
	}
	if adopt {
		c.hooks.onSchema(c, s, err)
	}
	close(f.done)
	if err == nil && adopt && c.keepsSchema() { // it may have changed meanwhile, and who saw that has joined this fetch
		c.refetchInBackground(l)
	}
}

// A schema is this many times as old as it takes to be fetched, and this old at the
// most, before it is fetched again: while the schema changes all the time, no more
// than a tenth of the time goes into fetching it.
const (
	fetchShare  = 10
	fetchAgeMax = time.Second
)

// restBeforeFetch waits until the schema at hand is old enough to be fetched
// again, or the session is dead.
func (l *live) restBeforeFetch() {
	l.fetchMu.Lock()
	age := min(fetchShare*l.fetchTook, fetchAgeMax)
	l.fetchMu.Unlock()
	wait := time.Until(time.Unix(0, l.fetched.Load()).Add(age))
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.session.Dead():
	}
}

// wait waits for the end of a fetch.
func (f *schemaFetch) wait(ctx context.Context, deadline time.Time) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-f.done:
		return f.err
	case <-expired:
		return ErrTimeout
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refetchInBackground fetches the schema where the one at hand is old. A failure
// shows at the next request that needs it.
func (c *Conn) refetchInBackground(l *live) {
	if s := l.env.Load().schema; s == nil || s.Version != l.session.SchemaVersion() {
		c.refetch(l, true)
	}
}

// RefetchSchema fetches the schema and returns when it is there.
func (c *Conn) RefetchSchema(ctx context.Context) error {
	deadline := c.deadlineFor(ctx)
	l, err := c.current(ctx, deadline)
	if err != nil {
		return fmt.Errorf("tnt: cannot fetch the schema: %w", err)
	}
	l.fetchMu.Lock()
	before := l.fetch
	l.fetchMu.Unlock()
	if before != nil { // it may have begun before the change that the caller knows of
		_ = before.wait(ctx, deadline)
	}
	if err := c.refetch(l, true).wait(ctx, deadline); err != nil {
		return fmt.Errorf("tnt: cannot fetch the schema: %w", err)
	}
	return nil
}

// verify returns how a request that the server refused can be resolved by a schema
// that is to stay as it is (Options.NoSchemaRefetch): for the server's version of
// today, if the space that it works on is still the same. Otherwise it returns the
// error with what to do.
func (c *Conn) verify(ctx context.Context, deadline time.Time, l *live, info RequestInfo, failed error) (resolution, error) {
	known := l.env.Load().schema
	if c.opts.NoSchema || known == nil || codeOf(failed) != errcode.WrongSchemaVersion {
		return resolution{}, failed
	}
	now, err := c.schemaSince(ctx, l, l.session.SchemaVersion(), deadline)
	if err != nil {
		return resolution{}, joinRefresh(failed, err)
	}
	if before := spaceOf(known, info); before == nil || !before.Equal(spaceOf(now, info)) {
		return resolution{}, joinRefresh(failed, errStaleSchema)
	}
	return resolution{version: now.Version}, nil
}

// schemaSince returns the server's schema as it was when it had a version, or
// later, without making it the session's where that is to stay as it is.
func (c *Conn) schemaSince(ctx context.Context, l *live, version uint64, deadline time.Time) (*schema.Schema, error) {
	for {
		if now := l.verified.Load(); now != nil && now.Version >= version {
			return now, nil
		}
		if err := c.refetch(l, c.keepsSchema()).wait(ctx, deadline); err != nil {
			return nil, notSent(err)
		}
	}
}

// notSent returns the failure of a fetch of the schema as that of a request that
// waits for it: what was sent and lost is not that request.
func notSent(err error) error {
	var lost *connectionLostError
	var never *notConnectedError
	switch {
	case errors.As(err, &lost):
		return &notConnectedError{cause: lost.cause}
	case errors.As(err, &never):
		return never
	}
	return err
}

var errStaleSchema = errors.New("the space has changed, and Options.NoSchemaRefetch keeps the schema as it was: call RefetchSchema")

// errNoNewerSchema says that there is nothing to be had by another try.
var errNoNewerSchema = errors.New("there is no newer schema")

// unknownAgain is how old a schema has to be to be fetched again for a name that
// is not in it, though its version is the server's: a grant makes a space visible
// and changes no version.
const unknownAgain = time.Second

// refreshFor returns nil when there is a newer schema for a request that failed
// for want of one.
func (c *Conn) refreshFor(ctx context.Context, deadline time.Time, l *live, used *schema.Schema, err error) error {
	if !c.keepsSchema() || used == nil {
		return errNoNewerSchema
	}
	if now := l.env.Load().schema; now != used && now.Version == l.session.SchemaVersion() {
		return nil // somebody else has fetched it: after a change all requests in flight come here
	}
	var unknown *SchemaError
	if errors.As(err, &unknown) && unknown.stale {
		// The name may be new. A ping reports whether the schema changed at all.
		if _, err := c.ask(ctx, l, Ping{}, deadline); err != nil {
			return err
		}
		if l.session.SchemaVersion() == used.Version && time.Since(time.Unix(0, l.fetched.Load())) < unknownAgain {
			return errNoNewerSchema
		}
	} else if codeOf(err) != errcode.WrongSchemaVersion {
		return errNoNewerSchema
	}
	return notSent(c.refetch(l, true).wait(ctx, deadline))
}
