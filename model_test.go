package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// TestModel drives a connection at random, and holds its state, and how calls end,
// against a model of them. Each step is over before the next begins.
func TestModel(t *testing.T) {
	steps := make([]string, 0, len(modelSteps))
	for name := range modelSteps {
		steps = append(steps, name)
	}
	slices.Sort(steps)
	rapid.Check(t, func(rt *rapid.T) {
		waits := rapid.Bool().Draw(rt, "WaitConnected")
		list := rapid.SliceOfN(rapid.SampledFrom(steps), 1, 40).Draw(rt, "steps")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = runModel(t, waits, list) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// How the server is to those who dial.
const (
	serverUp   = "up"
	serverDown = "down"
	serverMute = "mute" // dialling takes for ever
)

const (
	modelReconnect = 100 * time.Millisecond
	modelLongest   = time.Second
	modelTimeout   = 3 * time.Second // of an attempt
)

// model is what a connection is to be like.
type model struct {
	conn  *tnt.Conn
	srv   *tnttest.Server
	waits bool // Options.WaitConnected

	// What is predicted.
	server  string
	wanted  bool // somebody has asked to connect, and nobody to end it
	kept    bool // the run goes on though no Connect waits: Start, or it was up
	session int  // number of the live one, 0 for none
	last    int  // number of the last one
	since   time.Time
	asked   bool // Connect or Start was ever called

	calls    []*modelCall // that are not over
	connects []*modelCall

	mu      sync.Mutex
	mode    string // what dialling does
	changed chan struct{}
	ends    []net.Conn
	gate    chan struct{} // closed to have the server answer
	path    []tnt.State
	wrong   []string
}

// modelCall is a call, or a Connect, that goes on.
type modelCall struct {
	cancel    context.CancelFunc
	cancelled bool
	done      chan error
	session   int // that it is in flight on, 0 while it waits for one
}

var modelSteps = map[string]func(m *model){
	"Connect":    (*model).connect,
	"Start":      (*model).start,
	"Drop":       func(m *model) { m.conn.Drop(nil); m.redial() },
	"Reconnect":  (*model).reconnect,
	"Close":      func(m *model) { _ = m.conn.Close(); m.close() },
	"Disconnect": func(m *model) { _ = m.conn.Disconnect(context.Background()); m.close() },
	"server up":  func(m *model) { m.serve(serverUp) },
	"server down": func(m *model) {
		m.serve(serverDown)
	},
	"server mute":    func(m *model) { m.serve(serverMute) },
	"cut":            func(m *model) { m.cut(); m.lost(time.Since(m.since) >= modelReconnect) },
	"call":           (*model).call,
	"cancel call":    func(m *model) { cancelFirst(m.calls) },
	"cancel Connect": func(m *model) { cancelFirst(m.connects) },
	"answer":         (*model).answer,
	"pass time":      (*model).passTime,
}

// runModel does the steps, and returns what was not as it should be.
func runModel(t *testing.T, waits bool, steps []string) string {
	t.Helper()
	m := &model{srv: tnttest.Run(t, tnttest.InMemory()), waits: waits, server: serverUp, mode: serverUp, changed: make(chan struct{}), gate: make(chan struct{})}
	m.srv.Handle("hold", m.hold)
	c, err := tnt.New(tnt.Options{
		Dialer: m.dial, PingInterval: tnt.Never, WaitConnected: waits, ConnectTimeout: modelTimeout,
		ReconnectInterval: modelReconnect, MaxReconnectInterval: modelLongest,
	})
	if err != nil {
		return err.Error()
	}
	m.conn = c
	defer c.OnState(m.onState)()
	for i, name := range steps {
		modelSteps[name](m)
		synctest.Wait()
		m.settle()
		m.check()
		if len(m.wrong) > 0 {
			m.end()
			return fmt.Sprintf("after %d of %q: %s", i+1, steps[:i+1], strings.Join(m.wrong, "; "))
		}
	}
	m.end()
	return ""
}

func (m *model) end() {
	_ = m.conn.Disconnect(context.Background())
	for _, call := range slices.Concat(m.calls, m.connects) {
		call.cancel()
	}
	m.answer()
	synctest.Wait()
}

// dial is the connection's dialler.
func (m *model) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	for {
		m.mu.Lock()
		mode, changed := m.mode, m.changed
		m.mu.Unlock()
		switch mode {
		case serverDown:
			return nil, errors.New("down")
		case serverUp:
			c, err := m.srv.Dial(ctx)
			m.mu.Lock()
			m.ends = append(m.ends, c)
			m.mu.Unlock()
			return c, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// hold is a function of the server that answers when it is told to.
func (m *model) hold(c *tnttest.Call) ([]any, error) {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	select {
	case <-gate:
	case <-c.Context().Done():
	}
	return nil, nil
}

// next are the states that may follow each.
var next = map[tnt.State][]tnt.State{
	tnt.Disconnected:  {tnt.Connecting},
	tnt.Connecting:    {tnt.Connected, tnt.Reconnecting, tnt.Disconnecting},
	tnt.Connected:     {tnt.Reconnecting, tnt.Disconnecting},
	tnt.Reconnecting:  {tnt.Connecting, tnt.Disconnecting},
	tnt.Disconnecting: {tnt.Disconnected},
}

func (m *model) onState(from, to tnt.State, cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.path) > 0 && m.path[len(m.path)-1] != from {
		m.wrong = append(m.wrong, fmt.Sprintf("told of a change from %v, after one to %v", from, m.path[len(m.path)-1]))
	}
	if !slices.Contains(next[from], to) {
		m.wrong = append(m.wrong, fmt.Sprintf("%v came after %v", to, from))
	}
	if quiet := to == tnt.Connecting || to == tnt.Connected; quiet != (cause == nil) {
		m.wrong = append(m.wrong, fmt.Sprintf("the cause of %v is %v", to, cause))
	}
	m.path = append(m.path, to)
}

func (m *model) fail(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

// up has a session come up.
func (m *model) up() {
	m.last++
	m.session, m.kept, m.since = m.last, true, time.Now()
}

// lost has the session be lost, and another come at once where that is due.
func (m *model) lost(atOnce bool) {
	if m.session == 0 {
		return
	}
	m.session = 0
	if atOnce && m.server == serverUp {
		m.up()
	}
}

// redial has the connection dial at once, where anybody has asked it to connect.
func (m *model) redial() {
	m.session = 0
	if m.wanted && m.server == serverUp {
		m.up()
	}
}

func (m *model) begin() {
	m.asked = true
	if !m.wanted {
		m.wanted, m.kept = true, false
		if m.server == serverUp {
			m.up()
		}
	}
}

func (m *model) connect() {
	m.connects = append(m.connects, newModelCall(m.conn.Connect))
	m.begin()
}

func (m *model) start() {
	m.conn.Start()
	m.begin()
	m.kept = true
}

func (m *model) reconnect() {
	m.connects = append(m.connects, newModelCall(m.conn.Reconnect))
	m.begin()
	m.kept = true
	m.redial()
}

func (m *model) close() { m.wanted, m.kept, m.session = false, false, 0 }

// serve changes what the server does. One that goes takes its sessions along.
func (m *model) serve(mode string) {
	dialling := m.wanted && m.session == 0 && m.conn.State() == tnt.Connecting
	m.mu.Lock()
	m.mode = mode
	close(m.changed)
	m.changed = make(chan struct{})
	m.mu.Unlock()
	m.server = mode
	switch {
	case mode != serverUp:
		m.cut()
		m.session = 0
	case dialling:
		m.up()
	}
}

// cut ends all sessions.
func (m *model) cut() {
	m.mu.Lock()
	ends := m.ends
	m.ends = nil
	m.mu.Unlock()
	for _, end := range ends {
		_ = end.Close()
	}
	synctest.Wait()
}

// passTime lets as much time pass as any attempt and any pause takes.
func (m *model) passTime() {
	time.Sleep(modelTimeout + modelLongest + time.Millisecond)
	if m.wanted && m.session == 0 && m.server == serverUp {
		m.up()
		m.since = m.since.Add(-modelTimeout) // it came after one pause at the most
	}
}

func (m *model) call() {
	m.calls = append(m.calls, newModelCall(func(ctx context.Context) error {
		_, err := tnt.Do(ctx, m.conn, tnt.Call{Function: "hold"})
		return err
	}))
}

// answer has the server answer what it was asked so far.
func (m *model) answer() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.gate)
	m.gate = make(chan struct{})
	for _, call := range m.calls {
		if call.session != 0 && call.session == m.session {
			call.session = answered
		}
	}
}

// answered stands for the session of a call whose answer is on its way.
const answered = -1

func newModelCall(do func(ctx context.Context) error) *modelCall {
	ctx, cancel := context.WithCancel(context.Background())
	call := &modelCall{cancel: cancel, done: make(chan error, 1)}
	go func() { call.done <- do(ctx) }()
	return call
}

func cancelFirst(calls []*modelCall) {
	for _, call := range calls {
		if !call.cancelled {
			call.cancelled = true
			call.cancel()
			return
		}
	}
}

// settle ends the run that the last Connect has given up.
func (m *model) settle() {
	waiting := slices.ContainsFunc(m.connects, func(c *modelCall) bool { return !c.cancelled })
	if m.wanted && !m.kept && m.session == 0 && !waiting {
		m.wanted = false
	}
}

// check holds the connection and the calls against the model.
func (m *model) check() {
	states := []tnt.State{tnt.Disconnected}
	switch {
	case m.session != 0:
		states = []tnt.State{tnt.Connected}
	case m.wanted && m.server == serverMute:
		states = []tnt.State{tnt.Connecting, tnt.Reconnecting}
	case m.wanted:
		states = []tnt.State{tnt.Reconnecting}
	}
	if s := m.conn.State(); !slices.Contains(states, s) {
		m.fail("the state is %v, not one of %v", s, states)
	}
	if up := m.conn.IsConnected(); up != (m.session != 0) {
		m.fail("IsConnected is %t", up)
	}
	m.connects = m.sort("Connect", m.connects, m.connectEnds)
	m.calls = m.sort("a call", m.calls, m.callEnds)
}

// sort keeps the calls that go on, and holds the others against how they are to
// end: nil where they are not to.
func (m *model) sort(what string, calls []*modelCall, ends func(*modelCall) func(error) string) (left []*modelCall) {
	for _, call := range calls {
		want := ends(call)
		select {
		case err := <-call.done:
			switch {
			case want == nil:
				m.fail("%s has ended: %v", what, err)
			case want(err) != "":
				m.fail("%s ended with %v: %s", what, err, want(err))
			}
		default:
			if want != nil {
				m.fail("%s has not ended", what)
			}
			left = append(left, call)
		}
	}
	return left
}

func (m *model) connectEnds(c *modelCall) func(error) string {
	switch {
	case c.cancelled && m.session == 0:
		return is(context.Canceled)
	case m.session != 0:
		return is(nil)
	case !m.wanted:
		return is(tnt.ErrClosed)
	}
	return nil
}

func (m *model) callEnds(c *modelCall) func(error) string {
	if c.session == 0 && m.session != 0 && !c.cancelled {
		c.session = m.session // it was sent there
	}
	switch {
	case c.session == answered:
		return is(nil)
	case c.session != 0 && c.session != m.session && m.wanted:
		return lostAs(tnt.FateUnknown, tnt.ErrConnectionLost)
	case c.session != 0 && c.session != m.session:
		return lostAs(tnt.FateUnknown, tnt.ErrConnectionLost, tnt.ErrClosed)
	case c.session != 0 && c.cancelled:
		return lostAs(tnt.FateUnknown, context.Canceled)
	case c.session != 0:
		return nil
	case !m.wanted && m.asked && !c.cancelled:
		return lostAs(tnt.FateUnsent, tnt.ErrNotConnected)
	case !m.wanted, !m.waits:
		return lostAs(tnt.FateUnsent, tnt.ErrNotConnected)
	case c.cancelled:
		return lostAs(tnt.FateUnsent, tnt.ErrNotConnected, context.Canceled)
	}
	return nil
}

// is checks that an error is the one, or none.
func is(want error) func(error) string {
	return func(err error) string {
		if want == nil && err == nil || want != nil && errors.Is(err, want) {
			return ""
		}
		return fmt.Sprintf("want %v", want)
	}
}

// lostAs checks that a call ended in a way.
func lostAs(fate tnt.Fate, wants ...error) func(error) string {
	return func(err error) string {
		var re *tnt.RequestError
		if !errors.As(err, &re) || re.Fate() != fate || tnt.SafeToRetry(err) != (fate == tnt.FateUnsent) {
			return fmt.Sprintf("want the fate %v", fate)
		}
		for _, want := range wants {
			if !errors.Is(err, want) {
				return fmt.Sprintf("want %v", want)
			}
		}
		return ""
	}
}
