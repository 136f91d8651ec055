package vshard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// Mode is which instance of a replica set a call is for.
type Mode uint8

// The modes, by the names of the Lua router's functions.
const (
	RW  Mode = iota // callrw: the master
	RO              // callro: the master, else a replica
	BRO             // callbro: all instances in turn
	RE              // callre: a replica, else the master
	BRE             // callbre: the replicas in turn, else the master
)

// String returns the name of the Lua router's function.
func (m Mode) String() string {
	names := [...]string{"callrw", "callro", "callbro", "callre", "callbre"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// Call is a call of a function with a bucket.
type Call struct {
	Bucket   uint32 // from 1 on
	Mode     Mode   // Default: RW
	Function string
	Args     []any
}

// One does a call and decodes the function's first result; it is a zero T
// where there is none. For T see tnt.One.
func One[T any](ctx context.Context, r *Router, c Call) (T, error) {
	var v T
	answer, err := r.call(ctx, c)
	if err == nil {
		err = decode(answer, nil, &v)
	}
	return v, err
}

// decode decodes the first results of a function into the variables that dst points
// to, and passes over the others.
func decode(answer tnt.Response, dst ...any) error {
	for len(dst) < answer.Len() {
		dst = append(dst, nil)
	}
	return answer.DecodeResults(dst...)
}

var errNoPointer = errors.New("vshard: results are decoded into pointers that are not nil")

// Into does a call and decodes the function's results into as many pointers;
// there are at most three.
func Into(ctx context.Context, r *Router, c Call, dst ...any) error {
	for _, p := range dst {
		if v := reflect.ValueOf(p); v.Kind() != reflect.Pointer || v.IsNil() {
			return errNoPointer
		}
	}
	answer, err := r.call(ctx, c)
	if err != nil {
		return err
	}
	return decode(answer, append([]any{nil}, dst...)...)
}

// Do does a call and returns the function's results, at most three, untyped.
func (r *Router) Do(ctx context.Context, c Call) ([]any, error) {
	answer, err := r.call(ctx, c)
	if err != nil {
		return nil, err
	}
	values, err := answer.Data()
	if err != nil {
		return nil, err
	}
	return values[1:], nil
}

// restTime is how long an instance is left alone that is not ready.
const restTime = 5 * time.Second

// Pauses before another attempt: doubled up to the last, and up to a third
// longer each, so that those who met the same bucket don't come back together.
const (
	firstPause = 8 * time.Millisecond
	lastPause  = 50 * time.Millisecond
)

func jitter(pause time.Duration) time.Duration { return pause + rand.N(pause/3+1) }

// call does a call, with the hooks around it. The first value of the answer is
// true, and the function's results are those behind it.
func (r *Router) call(ctx context.Context, c Call) (tnt.Response, error) {
	t := r.table()
	switch {
	case r.ctx.Err() != nil:
		return tnt.Response{}, ErrClosed
	case c.Bucket == 0 || c.Bucket > t.config.Buckets:
		return tnt.Response{}, fmt.Errorf("vshard: bucket %d is none of 1 to %d", c.Bucket, t.config.Buckets)
	case c.Mode > BRE:
		return tnt.Response{}, fmt.Errorf("vshard: there is no %v", c.Mode)
	}
	hooks := t.config.Hooks
	began := time.Now()
	if hooks.Start != nil {
		ctx = hooks.Start(ctx, c)
	}
	a := attempts{router: r, call: c, deadline: began.Add(t.config.MaxWait), pause: firstPause}
	answer, err := a.run(ctx)
	if hooks.End != nil {
		hooks.End(ctx, CallEnd{
			Call: c, ReplicaSet: a.setName(), Instance: a.member.name, Requests: a.requests, Duration: time.Since(began), Err: err,
		})
	}
	return answer, err
}

// attempts is a call on its way.
type attempts struct {
	router   *Router
	call     Call
	deadline time.Time
	pause    time.Duration
	requests int
	followed bool // to where an answer pointed, without a pause

	set    *set
	member member
	tried  []string // of the set, since the last pause
}

func (a *attempts) setName() string {
	if a.set == nil {
		return ""
	}
	return a.set.ID()
}

func (a *attempts) failed(err error) error {
	if a.router.ctx.Err() != nil {
		err = ErrClosed
	}
	return &CallError{
		Bucket: a.call.Bucket, Function: a.call.Function, ReplicaSet: a.setName(), Instance: a.member.name, Requests: a.requests, Err: err,
	}
}

// next is what follows an attempt that failed.
type next uint8

const (
	giveUp    next = iota // the error is the caller's
	atOnce                // as something was learned
	elsewhere             // at another instance of the set
	later                 // after a pause
)

func (a *attempts) run(ctx context.Context) (tnt.Response, error) {
	var before error // that of the last attempt that was answered
	for {
		answer, then, err := a.once(ctx)
		switch {
		case err == nil:
			return answer, nil
		case then == giveUp && ctx.Err() != nil && before != nil: // it says but that the time is over
			return answer, a.failed(errors.Join(err, before))
		case then == giveUp:
			return answer, a.failed(err)
		case ctx.Err() != nil:
			return answer, a.failed(errors.Join(context.Cause(ctx), err))
		case a.router.ctx.Err() != nil, time.Now().After(a.deadline):
			return answer, a.failed(err)
		}
		before = err
		pause := time.Duration(0)
		if then == later {
			pause = jitter(a.pause)
			a.pause = min(2*a.pause, lastPause)
		}
		a.router.again.Add(1)
		if hook := a.router.table().config.Hooks.Again; hook != nil {
			hook(ctx, Again{Call: a.call, ReplicaSet: a.setName(), Instance: a.member.name, Pause: pause, Err: err})
		}
		if then == later {
			a.tried = a.tried[:0]
			if ended := sleep(ctx, pause); ended != nil {
				return answer, a.failed(errors.Join(ended, err))
			}
		}
	}
}

// once asks one instance.
func (a *attempts) once(ctx context.Context) (answer tnt.Response, then next, err error) {
	t := a.router.table() // which may have been replaced since the last attempt
	a.set, a.member = t.lookup(a.call.Bucket), member{}
	if a.set == nil {
		found, asked, err := t.find(ctx, a.call.Bucket)
		a.requests += asked
		a.router.requests.Add(uint64(asked))
		if a.set = found; a.set == nil {
			a.router.discoverSoon()
			return answer, later, err
		}
	}
	picked, err := a.set.pool.pick(a.call.Mode, a.tried)
	if err != nil {
		if a.call.Mode == RW {
			a.set.findMaster(ctx)
		}
		return answer, later, err
	}
	a.member = picked
	a.requests++
	a.router.requests.Add(1)
	kind := "read"
	if a.call.Mode == RW {
		kind = "write"
	}
	args := a.call.Args
	if args == nil {
		args = []any{}
	}
	asking, cancel := a.bounded(ctx)
	answer, err = tnt.Do(asking, picked, tnt.Call{
		Function: "vshard.storage.call", Args: []any{a.call.Bucket, kind, a.call.Function, args},
	})
	cancel()
	if err != nil {
		return answer, a.afterFailure(ctx, err), err
	}
	var first, second luacall.Value
	if err := decode(answer, &first, &second); err != nil {
		return answer, giveUp, err
	}
	then, err = a.judge(ctx, t, first, second)
	return answer, then, err
}

// bounded bounds an attempt to read: by MaxWait, by the RequestTimeout of the instance
// where the context has no deadline, and by TryFor where another one can answer.
func (a *attempts) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.call.Mode == RW {
		return ctx, func() {}
	}
	config := &a.router.table().config
	most := config.MaxWait
	if _, ok := ctx.Deadline(); !ok && a.member.timeout > 0 {
		most = min(most, a.member.timeout)
	}
	if d := config.Pool.TryFor; d > 0 && d < most && a.set.pool.hasOther(append(slices.Clone(a.tried), a.member.name)) {
		most = d
	}
	return context.WithTimeout(ctx, most)
}

// afterFailure decides what follows a request that was not answered, or whose
// answer was an error that neither vshard nor the function made.
func (a *attempts) afterFailure(ctx context.Context, err error) next {
	read := a.call.Mode != RW
	switch {
	case ctx.Err() != nil:
		return giveUp
	case isUnready(err):
		a.set.pool.rest(a.member.name, restTime, err)
		return a.other(read)
	case tnt.SafeToRetry(err) && errors.Is(err, tnt.ErrNotConnected), tnt.SafeToRetry(err) && tnt.IsTransient(err):
		return a.other(read) // what can't be sent at all, as its arguments are no good, is not transient
	case read && (errors.Is(err, tnt.ErrNotConnected) || errors.Is(err, tnt.ErrConnectionLost)):
		return a.other(read)
	case read && errors.Is(err, context.DeadlineExceeded):
		return a.other(read)
	}
	return giveUp
}

// other goes to another instance where one may be asked, as for reads.
func (a *attempts) other(read bool) next {
	if !read {
		return later
	}
	a.tried = append(a.tried, a.member.name)
	if _, err := a.set.pool.pick(a.call.Mode, a.tried); err != nil {
		return later
	}
	return elsewhere
}

var errShape = &tnt.DecodeError{Err: errors.New("vshard.storage.call answered in no form that is known")}

// judge reads the answer of vshard.storage.call: by its first value, not by
// codes, which are those of the server's errors as well. An error is the second.
func (a *attempts) judge(ctx context.Context, t *table, first, second luacall.Value) (next, error) {
	switch {
	case first.Bool():
		return giveUp, nil
	case first.IsNil():
		if e, ok := parseError(second); ok {
			return a.afterSharding(ctx, t, e), e
		}
		if second.IsNil() {
			return giveUp, errShape
		}
		return giveUp, a.functionError(second)
	case len(first) == 1 && first[0] == 0xc2: // false
		return giveUp, a.functionError(second)
	}
	return giveUp, errShape
}

func (a *attempts) functionError(v luacall.Value) error {
	return &FunctionError{Function: a.call.Function, ReplicaSet: a.set.ID(), Err: serverError(v)}
}

// afterSharding decides what follows an error of vshard's.
func (a *attempts) afterSharding(ctx context.Context, t *table, e *Error) next {
	switch e.Name {
	case "WRONG_BUCKET", "TRANSFER_IS_IN_PROGRESS":
		// A bucket that is being received names its source: two sets can point
		// at each other.
		if to := t.byKey[e.Destination]; to != nil && to != a.set {
			t.assign(a.call.Bucket, to)
			return a.follow()
		}
		if e.Name == "WRONG_BUCKET" {
			t.drop(a.call.Bucket, a.set)
			return a.follow()
		}
		return later
	case "BUCKET_IS_LOCKED":
		return later
	case "NON_MASTER":
		if a.set.pool.setMaster(e.Master) {
			return a.follow()
		}
		a.set.findMaster(ctx)
		return later
	case "STORAGE_IS_DISABLED":
		a.set.pool.rest(a.member.name, restTime, e)
		return a.other(a.call.Mode != RW)
	}
	return giveUp
}

// follow goes where an answer pointed: once without a pause.
func (a *attempts) follow() next {
	a.tried = a.tried[:0]
	if a.followed {
		return later
	}
	a.followed = true
	return atOnce
}
