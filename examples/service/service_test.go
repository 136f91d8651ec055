package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a service under test.
type running struct {
	t      *testing.T
	rs     *tnttest.ReplicaSet
	url    string
	client *http.Client
	stop   context.CancelFunc
	ended  chan error
}

func start(t *testing.T) *running {
	t.Helper()
	rs, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rs.Close() })
	opts, err := pool.ParseURL(url(rs) + "?max_wait=5s")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(t.Context(), opts, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, rs: rs, url: "http://" + listener.Addr().String(), stop: cancel, ended: make(chan error, 1)}
	r.client = &http.Client{Transport: &http.Transport{}}
	go func() {
		r.ended <- serve(ctx, s, listener)
		close(r.ended)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-r.ended; err != nil {
			t.Errorf("the end: %v", err)
		}
		r.client.CloseIdleConnections()
	})
	return r
}

// do returns the status and the body of a request's answer.
func (r *running) do(method, path, body string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	var text json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&text); err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// balances are those of all accounts on the leader.
func (r *running) balances() string {
	r.t.Helper()
	all, err := r.rs.Instance(r.rs.Leader()).Space("accounts").All()
	if err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprint(all)
}

func TestService(t *testing.T) {
	r := start(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		answer, balances   string
	}{
		{"GET", "/accounts/1", "", 200, `{"id":1,"balance":100}`, "[[1 100] [2 100]]"},
		{"GET", "/accounts/7", "", 404, `{"error":"there is no such account"}`, "[[1 100] [2 100]]"},
		{"GET", "/accounts/x", "", 400, `{"error":"an account has a number"}`, "[[1 100] [2 100]]"},
		{"POST", "/transfers", `{"from":1,"to":2,"amount":30}`, 200, `{"done":"30 from 1 to 2"}`, "[[1 70] [2 130]]"},
		{"POST", "/transfers", `{"from":1,"to":2,"amount":71}`, 409, `{"error":"the account has less than that"}`, "[[1 70] [2 130]]"},
		{"POST", "/transfers", `{"from":1,"to":7,"amount":1}`, 404, `{"error":"there is no account 7"}`, "[[1 70] [2 130]]"},
		{"POST", "/transfers", `{"from":1,"to":2,"amount":-1}`, 400, `{"error":"want two accounts and a positive amount"}`, "[[1 70] [2 130]]"},
		{"GET", "/health", "", 200, `{"closed":false}`, "[[1 70] [2 130]]"},
	} {
		status, answer := r.do(c.method, c.path, c.body)
		if status != c.status || answer != c.answer {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, status, answer, c.status, c.answer)
		}
		if got := r.balances(); got != c.balances {
			t.Errorf("after %s %s %s: %s, want %s", c.method, c.path, c.body, got, c.balances)
		}
	}
}

// TestMetrics has Prometheus be told of requests and of the pool, before and after the
// leader is lost.
func TestMetrics(t *testing.T) {
	r := start(t)
	r.do("POST", "/transfers", `{"from":1,"to":2,"amount":30}`)
	r.do("POST", "/transfers", `{"from":1,"to":2,"amount":71}`)
	r.exports(`tnt_requests_total{code="OK",type="COMMIT"} 1`, `tnt_requests_total{code="OK",type="UPDATE"} 3`,
		`tnt_pool_instances{pool="accounts",role="master"} 1`, `tnt_pool_role_changes_total{pool="accounts",role="master"} 1`)
	if err := r.rs.Kill(r.rs.Leader()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.rs.WaitLeader(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.do("POST", "/transfers", `{"from":1,"to":2,"amount":30}`)
	r.exports(`tnt_requests_total{code="OK",type="COMMIT"} 2`, `tnt_pool_instances{pool="accounts",role="unknown"} 1`,
		`tnt_pool_role_changes_total{pool="accounts",role="master"} 2`)
}

// exports checks that lines are among the metrics.
func (r *running) exports(want ...string) {
	r.t.Helper()
	resp, err := r.client.Get(r.url + "/metrics")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, line := range want {
		if !strings.Contains(string(text), line+"\n") {
			r.t.Errorf("the metrics lack %s:\n%s", line, text)
		}
	}
}

// TestFailover kills the leader: the next transfer is done on the new one.
func TestFailover(t *testing.T) {
	r := start(t)
	old := r.rs.Leader()
	if err := r.rs.Kill(old); err != nil {
		t.Fatal(err)
	}
	if _, err := r.rs.WaitLeader(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, answer := r.do("POST", "/transfers", `{"from":1,"to":2,"amount":30}`); status != 200 {
		t.Errorf("after a failover: %d %s", status, answer)
	}
	if got, want := r.balances(), "[[1 70] [2 130]]"; got != want {
		t.Errorf("balances %s, want %s", got, want)
	}
}

// TestSwitchSurvivesEachInstance kills one instance after another but one, so that
// the watched one is among them: the switch is seen on what is left.
func TestSwitchSurvivesEachInstance(t *testing.T) {
	r := start(t)
	for _, i := range []int{0, 1} {
		if err := r.rs.Kill(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.rs.Instance(2).Broadcast("accounts.closed", true); err != nil {
		t.Fatal(err)
	}
	for _, got := r.do("GET", "/health", ""); got != `{"closed":true}`; _, got = r.do("GET", "/health", "") {
	}
}

func TestOperatorClosesTransfers(t *testing.T) {
	r := start(t)
	for _, closed := range []bool{true, false} {
		for _, member := range r.rs.Instances() { // an event is an instance's own
			if err := member.Broadcast("accounts.closed", closed); err != nil {
				t.Fatal(err)
			}
		}
		want := fmt.Sprintf(`{"closed":%t}`, closed)
		for _, got := r.do("GET", "/health", ""); got != want; _, got = r.do("GET", "/health", "") {
		}
		status, answer := r.do("POST", "/transfers", `{"from":1,"to":2,"amount":1}`)
		if wanted := map[bool]int{true: 503, false: 200}[closed]; status != wanted {
			t.Errorf("closed=%t: %d %s, want %d", closed, status, answer, wanted)
		}
	}
}

// TestEndLosesNothing ends the service while a transfer is being committed: its
// client gets the answer all the same.
func TestEndLosesNothing(t *testing.T) {
	r := start(t)
	leader := r.rs.Instance(r.rs.Leader())
	leader.Inject(tnttest.Fault{On: iproto.TypeCommit, Late: 200 * time.Millisecond})
	before := leader.Counters().Requests[iproto.TypeCommit]
	got := make(chan string, 1)
	go func() {
		resp, err := r.client.Post(r.url+"/transfers", "application/json", strings.NewReader(`{"from":1,"to":2,"amount":30}`))
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close() //nolint:errcheck // nothing of it is read
		got <- resp.Status
	}()
	for leader.Counters().Requests[iproto.TypeCommit] == before {
		time.Sleep(time.Millisecond) // the fault is what is waited for
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("the end: %v", err)
	}
	if status := <-got; status != "200 OK" {
		t.Errorf("the transfer that was under way: %s, want 200 OK", status)
	}
	if got, want := r.balances(), "[[1 70] [2 130]]"; got != want {
		t.Errorf("balances %s, want %s", got, want)
	}
}
