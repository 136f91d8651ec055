package soaktest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// weather is what a proxy does to the bytes that pass, one way or both.
type weather struct {
	stall   bool          // nothing is read, so that the sender's writes block
	swallow bool          // all is read and nothing goes on, as through a link that is half open
	delay   time.Duration // before each piece goes on
	split   int           // the longest piece, in bytes; 0: any
	merge   bool          // pieces wait for others to go on with
	shuffle bool          // answers of one piece go on in another order
	twice   bool          // answers go on twice
}

// Proxy passes connections on to a server, and does to them what it is told. Its
// methods are safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	random  *rand.Rand // for what happens inside of a fault
	ways    [2]weather
	changed chan struct{} // closed and replaced with ways
	links   map[*link]struct{}
	refuse  bool
	closed  bool

	odd uint64 // frames that were shuffled or sent twice
}

// The ways of a proxy.
const (
	up   = 0 // from the client to the server
	down = 1
)

// NewProxy opens a proxy on loopback to the server at an address of TCP.
func NewProxy(target string, seed uint64) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		target: target, listener: l, random: rand.New(rand.NewPCG(seed, 1)),
		changed: make(chan struct{}), links: map[*link]struct{}{},
	}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr returns the address that clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends all connections and waits for the end of the proxy's goroutines.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Calm()
	p.each(func(l *link) { l.close(false) })
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

// serve passes one connection on until either side ends it.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if p.refuses() {
		return
	}
	server, err := net.DialTimeout("tcp", p.target, time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	l := &link{proxy: p, ends: [2]net.Conn{client, server}, ctx: ctx, cancel: cancel}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		cancel()
		return
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()
	var pumps sync.WaitGroup
	pumps.Go(func() { newPump(l, up).run() })
	pumps.Go(func() { newPump(l, down).run() })
	pumps.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
	cancel()
}

func (p *Proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse || p.closed
}

// set makes the weather of one way.
func (p *Proxy) set(way int, w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ways[way] = w
	close(p.changed)
	p.changed = make(chan struct{})
}

// Calm ends what goes on at the proxy. Connections that lost bytes end too.
func (p *Proxy) Calm() {
	p.set(up, weather{})
	p.set(down, weather{})
	p.Refuse(false)
}

// Refuse has new connections end at once, or not any more.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// now returns the weather of a way, and what is closed when it changes.
func (p *Proxy) now(way int) (weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ways[way], p.changed
}

// draw returns a number below n of the proxy's own chance.
func (p *Proxy) draw(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.random.IntN(n)
}

func (p *Proxy) each(do func(l *link)) {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		do(l)
	}
}

// CutAfter ends every connection once so many more bytes have gone one way: in
// order, or by a reset.
func (p *Proxy) CutAfter(way, bytes int, reset bool) {
	p.each(func(l *link) { l.order(way, &doom{after: bytes, reset: reset}) })
}

// Garbage puts bytes of its own between two frames of every connection, one way.
func (p *Proxy) Garbage(way int, b []byte) {
	p.each(func(l *link) { l.order(way, &doom{garbage: b}) })
}

// CloseServerSide ends every connection toward the server alone: the client hears
// nothing any more.
func (p *Proxy) CloseServerSide() {
	p.each(func(l *link) {
		l.mu.Lock()
		l.deaf = true
		l.mu.Unlock()
		_ = l.ends[1].Close()
	})
}

// link is one connection through the proxy.
type link struct {
	proxy  *Proxy
	ends   [2]net.Conn // the client's and the server's
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	dooms [2]*doom
	deaf  bool // the client is not to hear of the server's end
}

// doom is what is to happen to a link once.
type doom struct {
	after   int // bytes that go on before
	reset   bool
	garbage []byte // between two frames, instead of an end
}

func (l *link) order(way int, d *doom) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dooms[way] = d
}

func (l *link) doom(way int) *doom {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dooms[way]
}

func (l *link) isDeaf() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deaf
}

// close ends both sides.
func (l *link) close(reset bool) {
	for _, end := range l.ends {
		if tcp, ok := end.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0)
		}
		_ = end.Close()
	}
	l.cancel()
}

var errCut = errors.New("cut by the proxy")

// write passes bytes on, and ends the link where its doom says so.
func (l *link) write(way int, b []byte) error {
	d := l.doom(way)
	cut := d != nil && d.garbage == nil && d.after < len(b)
	if cut {
		b = b[:d.after]
	}
	n, err := l.ends[1-way].Write(b)
	if cut {
		l.close(d.reset)
		return errCut
	}
	if d != nil && d.garbage == nil {
		d.after -= n
	}
	return err
}

// ended waits, where the client is to hear nothing, until it goes by itself.
func (l *link) ended(way int) {
	if way == down && l.isDeaf() {
		return // the other pump reads on until the client closes
	}
	if way == up && l.isDeaf() {
		_, _ = io.Copy(io.Discard, l.ends[0])
	}
	l.close(false)
}
