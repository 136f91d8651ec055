package soaktest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// caller does one request after another, of every form, and checks the answers.
type caller struct {
	*run
	*client
	number  int
	random  *rand.Rand
	nonce   uint64
	written []int // rows that are surely there, the last few
}

func newCaller(r *run, c *client, number int) *caller {
	return &caller{run: r, client: c, number: number, random: rand.New(rand.NewPCG(r.Seed, uint64(number)+100))}
}

// form is a kind of request. checked is how many answers were held against what
// they should be.
type form struct {
	name   string
	weight int
	do     func(c *caller, ctx context.Context) (checked int, err error)
	newer  bool // takes a server with streams
}

var forms = []form{
	{"Do", 20, (*caller).echo, false},
	{"One", 10, (*caller).one, false},
	{"Go", 10, (*caller).futures, false},
	{"Batch", 6, (*caller).batch, false},
	{"Each", 6, (*caller).each, false},
	{"Pushes", 4, (*caller).pushes, false},
	{"slow Call", 3, (*caller).slow, false},
	{"large Call", 2, (*caller).large, false},
	{"Insert", 10, (*caller).insert, false},
	{"Go of inserts", 4, (*caller).insertByFutures, false},
	{"Batch of inserts", 4, (*caller).insertByBatch, false},
	{"Each of inserts", 4, (*caller).insertByEach, false},
	{"Retry of an insert", 4, (*caller).insertByRetry, false},
	{"Update", 6, (*caller).update, false},
	{"Upsert", 4, (*caller).upsert, false},
	{"Idempotent Replace", 4, (*caller).replace, false},
	{"Select", 10, (*caller).readOwn, false},
	{"Scan", 2, (*caller).scan, false},
	{"Pin", 4, (*caller).pinned, false},
	{"Prepared", 4, (*caller).prepared, false},
	{"InTx", 6, (*caller).transaction, true},
}

// loop runs until the soak stops.
func (c *caller) loop(ctx context.Context) {
	total := 0
	for _, f := range forms {
		total += f.weight
	}
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		n := c.random.IntN(total)
		for _, f := range forms {
			if n -= f.weight; n < 0 {
				if !f.newer || c.Server.has() {
					c.once(ctx, f)
				}
				break
			}
		}
	}
}

// once does a request of one form, within a deadline of its own.
func (c *caller) once(ctx context.Context, f form) {
	patience := c.patience()
	deadline := time.Now().Add(patience)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if c.random.IntN(10) == 0 { // and some give up before
		deadline = time.Now().Add(patience / 2)
		timer := time.AfterFunc(patience/2, cancel)
		defer timer.Stop()
	}
	checked, err := f.do(c, ctx)
	c.timely(f.name, deadline)
	c.counts.with(func() {
		c.counts.forms[f.name]++
		c.counts.checked += checked
		if err != nil {
			c.counts.errors[kindOf(err)]++
		}
	})
	if err != nil {
		c.judge(f.name, err)
		if errors.Is(err, tnt.ErrNotConnected) { // don't spin while there is nobody to ask
			time.Sleep(time.Millisecond)
		}
	}
}

// patience returns how long a call may take: mostly enough, sometimes not.
func (c *caller) patience() time.Duration {
	switch c.random.IntN(10) {
	case 0:
		return time.Duration(1+c.random.IntN(5)) * time.Millisecond
	case 1, 2, 3:
		return time.Duration(20+c.random.IntN(200)) * time.Millisecond
	}
	return 2 * time.Second
}

// How long a call may return after its deadline, beyond five times what a goroutine
// that does nothing was late meanwhile: a few, as a busy system may leave out one
// thread of a process and not the others, and any.
const (
	fewOverrun  = 100 * time.Millisecond
	mostOverrun = 500 * time.Millisecond
	fewOf       = 1000 // calls, one of which may
)

// timely holds the end of a call against its deadline.
func (c *caller) timely(what string, deadline time.Time) {
	over := time.Since(deadline)
	if over <= 0 {
		return
	}
	late := c.canary.since(deadline.Add(-2 * canaryTick))
	c.counts.with(func() {
		c.counts.overruns = append(c.counts.overruns, over)
		switch {
		case over > fewOverrun+5*late:
			c.counts.late++
		case over > fewOverrun:
			c.counts.excused++
		}
	})
	if over > mostOverrun+5*late {
		c.wrong("%s on %s returned %v after its deadline, when nobody woke more than %v late", what, c.name, over, late)
	}
}

// judge holds an error against what errors have to say.
func (c *caller) judge(what string, err error) {
	var re *tnt.RequestError
	var mine *mistake
	switch {
	case errors.As(err, &mine):
		c.wrong("%s on %s: %v", what, c.name, err)
	case !errors.As(err, &re):
		c.wrong("%s on %s: an error that is no RequestError: %v", what, c.name, err)
	case re.Fate() == tnt.FateUnsent && errors.Is(err, tnt.ErrConnectionLost):
		c.wrong("%s on %s: lost in flight, and not sent: %v", what, c.name, err)
	case re.Fate() == tnt.FateUnsent && !tnt.SafeToRetry(err), re.Fate() == tnt.FateUnknown && tnt.SafeToRetry(err):
		c.wrong("%s on %s: fate %v and SafeToRetry %t: %v", what, c.name, re.Fate(), tnt.SafeToRetry(err), err)
	}
}

// mistake is an answer that is not what it should be.
type mistake struct{ what string }

func (m *mistake) Error() string { return m.what }

func mistaken(format string, args ...any) error { return &mistake{fmt.Sprintf(format, args...)} }

// next returns a number that nobody else asks with.
func (c *caller) next() uint64 {
	c.nonce++
	return uint64(c.number+1)<<40 | c.nonce
}

func echoOf(nonce uint64, pad string) tnt.Call {
	return tnt.Call{Function: "soak_echo", Args: []any{nonce, pad}}
}

// checkEcho holds the answer to an echo against what was asked.
func checkEcho(resp tnt.Response, nonce uint64, pad string) error {
	var got uint64
	var back string
	if err := resp.DecodeResults(&got, &back); err != nil {
		return mistaken("the echo of %d can't be decoded: %v", nonce, err)
	}
	if got != nonce || back != pad {
		return mistaken("asked with %d and %d bytes, answered with %d and %d", nonce, len(pad), got, len(back))
	}
	return nil
}

// pad returns text for a request, seldom much.
func (c *caller) pad() string {
	n := c.random.IntN(64)
	if c.random.IntN(20) == 0 {
		n = c.random.IntN(8 << 10)
	}
	return text(n)
}

func text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}

func (c *caller) echo(ctx context.Context) (int, error) {
	nonce, pad := c.next(), c.pad()
	resp, err := tnt.Do(ctx, c.ex, echoOf(nonce, pad))
	if err != nil {
		return 0, unlessStarting(err)
	}
	return 1, checkEcho(resp, nonce, pad)
}

// unlessStarting passes on an error, but for what a server says that listens before
// it has its functions.
func unlessStarting(err error) error {
	var re *tnt.RequestError
	if errors.As(err, &re) && re.Fate() == tnt.FateRefused {
		for _, code := range []errcode.Code{errcode.NoSuchProc, errcode.Loading, errcode.Readonly, errcode.AccessDenied, errcode.ProcLua, errcode.NoSuchFunction} {
			if errors.Is(err, code) {
				return err
			}
		}
		return mistaken("refused: %v", err)
	}
	return err
}

func (c *caller) one(ctx context.Context) (int, error) {
	nonce := c.next()
	got, err := tnt.One[uint64](ctx, c.ex, echoOf(nonce, ""))
	if err != nil {
		return 0, unlessStarting(err)
	}
	if got != nonce {
		return 1, mistaken("asked with %d, answered with %d", nonce, got)
	}
	return 1, nil
}

// some returns how many requests a batch has.
func (c *caller) some() int {
	if c.random.IntN(10) == 0 {
		return 1 + c.random.IntN(600)
	}
	return 1 + c.random.IntN(20)
}

func (c *caller) futures(ctx context.Context) (checked int, err error) {
	nonces := make([]uint64, 1+c.random.IntN(20))
	futures := make([]*tnt.Future, len(nonces))
	for i := range nonces {
		nonces[i] = c.next()
		futures[i] = tnt.Go(ctx, c.ex, echoOf(nonces[i], ""))
	}
	for i, f := range futures {
		resp, failed := f.Wait(ctx)
		if failed == nil {
			checked++
			failed = checkEcho(resp, nonces[i], "")
		} else {
			failed = unlessStarting(failed)
		}
		err = worse(err, failed)
	}
	return checked, err
}

// worse returns the error that says more.
func worse(a, b error) error {
	var m *mistake
	if a == nil || errors.As(b, &m) {
		return b
	}
	return a
}

func (c *caller) batch(ctx context.Context) (checked int, err error) {
	n := c.some()
	nonces, reqs := make([]uint64, n), make([]tnt.Request, n)
	for i := range reqs {
		nonces[i] = c.next()
		reqs[i] = echoOf(nonces[i], "")
	}
	for i, result := range tnt.Batch(ctx, c.ex, reqs...) {
		failed := result.Err
		if failed == nil {
			checked++
			failed = checkEcho(result.Response, nonces[i], "")
		} else {
			failed = unlessStarting(failed)
		}
		err = worse(err, failed)
	}
	return checked, err
}

func (c *caller) each(ctx context.Context) (checked int, err error) {
	n := c.some()
	nonces, reqs := make([]uint64, n), make([]tnt.Call, n)
	for i := range reqs {
		nonces[i] = c.next()
		reqs[i] = echoOf(nonces[i], "")
	}
	i := 0
	for got, failed := range tnt.Each[uint64](ctx, c.ex, reqs) {
		switch {
		case failed != nil:
			err = worse(err, unlessStarting(failed))
		case got == nil || *got != nonces[i]:
			err = mistaken("request %d of Each asked with %d, answered with %v", i, nonces[i], got)
		default:
			checked++
		}
		i++
		if c.random.IntN(2000) == 0 {
			break // what follows is done all the same
		}
	}
	return checked, err
}

func (c *caller) pushes(ctx context.Context) (checked int, err error) {
	nonce, n := c.next(), uint64(1+c.random.IntN(10))
	f := tnt.Go(ctx, c.ex, tnt.Call{Function: "soak_push", Args: []any{nonce, n}})
	seen := uint64(0)
	for push, failed := range f.Pushes(ctx) {
		if failed != nil {
			err = failed
			break
		}
		var got [2]uint64
		rows, failed := push.Data()
		if failed != nil || len(rows) != 1 || fmt.Sprint(rows[0]) != fmt.Sprint([]any{nonce, seen + 1}) {
			return checked, mistaken("push %d of %d is %v, %v, %v", seen+1, nonce, rows, got, failed)
		}
		seen++
		checked++
	}
	resp, failed := f.Wait(ctx)
	if failed != nil {
		return checked, unlessStarting(failed)
	}
	var got uint64
	if failed := resp.DecodeResults(&got); failed != nil || got != nonce {
		return checked, mistaken("after pushes %d was answered with %d, %v", nonce, got, failed)
	}
	if err == nil && seen != n {
		return checked, mistaken("%d of %d pushes came before the answer", seen, n)
	}
	return checked + 1, nil
}

func (c *caller) slow(ctx context.Context) (int, error) {
	nonce := c.next()
	got, err := tnt.One[uint64](ctx, c.ex, tnt.Call{Function: "soak_wait", Args: []any{nonce, 0.001 + 0.1*c.random.Float64()}})
	if err != nil {
		return 0, unlessStarting(err)
	}
	if got != nonce {
		return 1, mistaken("a slow request asked with %d, answered with %d", nonce, got)
	}
	return 1, nil
}

func (c *caller) large(ctx context.Context) (int, error) {
	nonce, pad := c.next(), text(c.random.IntN(300<<10))
	resp, err := tnt.Do(ctx, c.ex, echoOf(nonce, pad))
	if err != nil {
		return 0, unlessStarting(err)
	}
	return 1, checkEcho(resp, nonce, pad)
}
