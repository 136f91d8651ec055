package soaktest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
)

// Config says how to soak.
type Config struct {
	Server   *Server
	Seed     uint64
	Duration time.Duration
	// Callers of each client. Default: 8.
	Callers int
	// Clients make what the requests are done on, each of a proxy of its own; the
	// addresses that a client gets are as many as Addresses, at least one.
	// Default: those of Clients.
	Clients   []Client
	Addresses int
	// MostWrites bounds the rows and the transactions written. Default: 20,000, and
	// 2,000 for each second.
	MostWrites int
}

// Client makes an Executor of the addresses of a server, and what ends it.
type Client struct {
	Name    string
	Connect func(ctx context.Context, addresses []string) (tnt.Executor, func(), error)
}

// DefaultClients are connections with several sets of options.
func DefaultClients() []Client {
	quick := tnt.Options{
		ConnectTimeout: 2 * time.Second, ReconnectInterval: 20 * time.Millisecond, MaxReconnectInterval: 200 * time.Millisecond,
		PingInterval: 100 * time.Millisecond, DeadAfter: 500 * time.Millisecond,
	}
	waits, narrow := quick, quick
	waits.WaitConnected, waits.RequestTimeout = true, 700*time.Millisecond
	narrow.WaitConnected, narrow.WaitInFlight, narrow.MaxInFlight = true, true, 5
	narrow.WriteBuffer, narrow.ReadBuffer, narrow.MaxPushes = 2048, 1024, 4096
	return []Client{
		connection("plain", quick), connection("waiting", waits), connection("narrow", narrow),
	}
}

func connection(name string, opts tnt.Options) Client {
	return Client{name, func(ctx context.Context, addresses []string) (tnt.Executor, func(), error) {
		opts.Address = addresses[0]
		c, err := tnt.ConnectOptions(ctx, opts)
		if err != nil {
			return nil, nil, err
		}
		return c, func() { _ = c.Disconnect(context.Background()) }, nil
	}}
}

// run is one soak as it goes on.
type run struct {
	Config
	random  *rand.Rand // of the faults
	proxies []*Proxy
	clients []*client
	direct  *tnt.Conn // past the proxies
	ledger  *ledger
	canary  *canary
	counts  counts
	end     time.Time
	stop    chan struct{} // closed when no call is to begin any more
	told    atomic.Uint64 // the newest number that was broadcast
}

// client is an Executor under load.
type client struct {
	name string
	ex   tnt.Executor
	end  func()
}

// Run soaks a server, and reports what came of it. The error is that of what
// was in the way; what was wrong is in the report.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	setDefault(&cfg.Callers, 8)
	setDefault(&cfg.MostWrites, 20_000+int(2000*cfg.Duration.Seconds()))
	setDefault(&cfg.Addresses, 1)
	if len(cfg.Clients) == 0 {
		cfg.Clients = DefaultClients()
	}
	r := &run{
		Config: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0)), canary: newCanary(),
		ledger: newLedger(cfg.MostWrites, cfg.Callers*len(cfg.Clients), cfg.Duration), stop: make(chan struct{}),
		counts: counts{faults: map[string]int{}, errors: map[string]int{}, forms: map[string]int{}},
	}
	defer r.canary.close()
	before := runtime.NumGoroutine()
	report, err := r.whole(ctx)
	if err == nil && !settles(func() bool { return runtime.NumGoroutine() <= before }) {
		r.wrong("%d goroutines are left of those begun", runtime.NumGoroutine()-before)
		report.Violations = r.counts.wrongs()
	}
	return report, err
}

func setDefault(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}

// settles waits up to ten seconds until what holds.
func settles(holds func() bool) bool {
	for range 1000 {
		if holds() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// whole is Run but for the look at what is left behind.
func (r *run) whole(ctx context.Context) (*Report, error) {
	began := time.Now()
	var err error
	opts := tnt.Options{Address: r.Server.Address, ReconnectInterval: 20 * time.Millisecond, WaitConnected: true, PingInterval: tnt.Never}
	if r.direct, err = tnt.ConnectOptions(ctx, opts); err != nil {
		return nil, err
	}
	defer func() { _ = r.direct.Disconnect(context.Background()) }()
	defer r.close()
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	heap := heapNow()
	r.end = time.Now().Add(r.Duration)
	callers, watching := r.start(ctx)
	for deck := newDeck(r); time.Now().Before(r.end) && ctx.Err() == nil; {
		r.oneFault(ctx, deck.next())
	}
	close(r.stop)
	r.await(callers, "callers that were to stop")
	r.recovered(ctx)
	if err := r.tellLast(ctx, watching); err != nil {
		return nil, err
	}
	checked, err := r.compare(ctx)
	if err != nil {
		return nil, err
	}
	r.checkHeap(heap)
	r.checkLate()
	report := r.report(time.Since(began), checked)
	report.HeapBefore, report.HeapAfter = heap, heapNow()
	return report, nil
}

// open opens the proxies and connects the clients to them.
func (r *run) open(ctx context.Context) error {
	for _, c := range r.Clients {
		var addresses []string
		for range r.Addresses {
			p, err := NewProxy(r.Server.Address, r.Seed+uint64(len(r.proxies)))
			if err != nil {
				return err
			}
			r.proxies = append(r.proxies, p)
			addresses = append(addresses, p.Addr())
		}
		ex, end, err := c.Connect(ctx, addresses)
		if err != nil {
			return fmt.Errorf("client %s: %w", c.Name, err)
		}
		r.clients = append(r.clients, &client{c.Name, ex, end})
	}
	return nil
}

func (r *run) close() {
	for _, c := range r.clients {
		c.end()
	}
	for _, p := range r.proxies {
		p.Close()
	}
}

// prepare empties the spaces and sets the counters to 0.
func (r *run) prepare(ctx context.Context) error {
	for n := range r.ledger.counters {
		if err := tnt.Exec(ctx, r.direct, tnt.Replace{Space: "soak_counters", Tuple: []any{n, 0}}); err != nil {
			return err
		}
	}
	return nil
}

// start begins callers and watchers.
func (r *run) start(ctx context.Context) (callers *sync.WaitGroup, watching []*watching) {
	callers = new(sync.WaitGroup)
	for i, c := range r.clients {
		for n := range r.Callers {
			number := i*r.Callers + n
			callers.Go(func() { newCaller(r, c, number).loop(ctx) })
		}
		watching = append(watching, r.watch(ctx, c)...)
	}
	callers.Go(func() { r.tell(ctx) })
	callers.Go(r.sample)
	return callers, watching
}

// await waits for goroutines, and takes it for wrong when they hang.
func (r *run) await(wg *sync.WaitGroup, what string) {
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		buf := make([]byte, 1<<20)
		r.wrong("%s hang:\n%s", what, buf[:runtime.Stack(buf, true)])
		<-done
	}
}

// pause waits for a random part of most, but for the first tenth.
func (r *run) pause(most time.Duration) {
	d := most/10 + time.Duration(r.random.Int64N(int64(most)*9/10))
	select {
	case <-time.After(d):
	case <-time.After(time.Until(r.end)):
	}
}

func (r *run) upTo(n int) int { return r.random.IntN(n) }

// proxy returns one of the proxies.
func (r *run) proxy() *Proxy { return r.proxies[r.random.IntN(len(r.proxies))] }

// deck deals out all faults in random order, again and again.
type deck struct {
	r    *run
	all  []fault
	left []fault
}

func newDeck(r *run) *deck {
	return &deck{r: r, all: append(proxyFaults(), r.Server.faults...)}
}

func (d *deck) next() fault {
	if len(d.left) == 0 {
		d.left = slices.Clone(d.all)
		d.r.random.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	f := d.left[0]
	d.left = d.left[1:]
	return f
}

// oneFault has a fault happen and measures how long the clients take to be back.
func (r *run) oneFault(ctx context.Context, f fault) {
	r.counts.fault(f.name)
	if err := f.do(ctx, r); err != nil {
		r.wrong("the fault %q: %v", f.name, err)
	}
	r.recovered(ctx)
}

// mostRecovery is how long a client may take to be back once nothing is wrong, on
// a machine that is quiet.
const mostRecovery = 15 * time.Second

// recovered waits until each client has an answer again.
func (r *run) recovered(ctx context.Context) {
	began := time.Now()
	for _, c := range r.clients {
		for {
			one, cancel := context.WithTimeout(ctx, time.Second)
			err := tnt.Exec(one, c.ex, tnt.Ping{})
			cancel()
			if err == nil || ctx.Err() != nil {
				break
			}
			if late := time.Since(began); late > mostRecovery+10*r.canary.since(began) {
				r.wrong("client %s has not come back within %v: %v", c.name, late, err)
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	r.counts.recovery(time.Since(began))
}

// sample looks at the memory and the goroutines now and then.
func (r *run) sample() {
	ticker := time.NewTicker(max(r.Duration/50, 100*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			r.counts.sample(m.HeapAlloc, runtime.NumGoroutine())
		case <-r.stop:
			return
		}
	}
}

func heapNow() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// keptForRow is how many bytes a row of the embedded server takes at the most, and
// what its client remembers of it.
const keptForRow = 1200

// checkHeap looks for what was not given back.
func (r *run) checkHeap(before uint64) {
	after := heapNow()
	rows := uint64(len(r.ledger.rows) + 2*len(r.ledger.pairs))
	if most := before + 64<<20 + rows*keptForRow; after > most {
		r.wrong("the heap grew from %d to %d bytes, with %d rows", before, after, rows)
	}
}

// checkLate holds the number of calls that were late against that of all.
func (r *run) checkLate() {
	c := &r.counts
	var late, calls int
	c.with(func() { late, calls = c.late, total(c.forms) })
	if late > 1+calls/fewOf {
		r.wrong("%d of %d calls returned more than %v after their deadline", late, calls, fewOverrun)
	}
}

// compare reads what the server holds, and has the ledger check it.
func (r *run) compare(ctx context.Context) (checked int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var h held
	for _, s := range []struct {
		name string
		into *map[uint64]uint64
	}{{"soak_rows", &h.rows}, {"soak_pairs", &h.pairs}, {"soak_counters", &h.counters}} {
		if *s.into, err = r.read(ctx, s.name); err != nil {
			return 0, err
		}
	}
	return r.ledger.check(h, r.wrong), nil
}

func (r *run) read(ctx context.Context, space string) (map[uint64]uint64, error) {
	found := map[uint64]uint64{}
	for row, err := range tnt.ScanAs[row](ctx, r.direct, tnt.Select{Space: space}, 5000) {
		if err != nil {
			return nil, err
		}
		found[row.ID] = row.Nonce
	}
	return found, nil
}

// row is one of any of the spaces.
type row struct {
	ID, Nonce uint64
}

// wrong records something that must not be.
func (r *run) wrong(format string, args ...any) {
	r.counts.wrong(fmt.Sprintf(format, args...))
}

// counts is what has happened.
type counts struct {
	mu         sync.Mutex
	faults     map[string]int
	forms      map[string]int
	errors     map[string]int
	checked    int
	recoveries []time.Duration
	overruns   []time.Duration // of calls that were not over at their deadline
	excused    int             // long overruns of a time when nobody woke
	late       int             // other long overruns
	violations []string
	heap       []uint64
	goroutines []int
	events     int
}

const mostViolations = 100

func (c *counts) with(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

func (c *counts) wrong(what string) {
	c.with(func() {
		if len(c.violations) < mostViolations {
			c.violations = append(c.violations, what)
		}
	})
}

func (c *counts) wrongs() (list []string) {
	c.with(func() { list = slices.Clone(c.violations) })
	return list
}

func (c *counts) fault(name string) { c.with(func() { c.faults[name]++ }) }

func (c *counts) recovery(d time.Duration) {
	c.with(func() { c.recoveries = append(c.recoveries, d) })
}

func (c *counts) sample(heap uint64, goroutines int) {
	c.with(func() {
		c.heap = append(c.heap, heap)
		c.goroutines = append(c.goroutines, goroutines)
	})
}

// kindOf returns a word for an error, for the table.
func kindOf(err error) string {
	var re *tnt.RequestError
	switch {
	case !errors.As(err, &re):
		return "no RequestError"
	case errors.Is(err, tnt.ErrConnectionLost):
		return "connection lost"
	case errors.Is(err, tnt.ErrStreamLost):
		return "stream lost"
	case errors.Is(err, tnt.ErrSessionLost):
		return "session lost"
	case errors.Is(err, tnt.ErrTimeout):
		return "RequestTimeout"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "context ended"
	case errors.Is(err, tnt.ErrNotConnected):
		return "not connected"
	case errors.Is(err, tnt.ErrTooMany):
		return "too many in flight"
	case re.Fate() == tnt.FateRefused:
		return "refused by the server"
	}
	return "other, " + re.Fate().String()
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
