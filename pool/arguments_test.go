package pool_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// What is said of arguments that are wrong: which it is, and what would be right.

func wantWords(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want an error with %q", what, err, word)
		}
	}
}

func nobody(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("nobody is there")
}

func TestWrongOptions(t *testing.T) {
	one := []pool.Instance{{Name: "a", Options: tnt.Options{Dialer: nobody}}}
	plain := func(names ...string) (all []pool.Instance) {
		for _, name := range names {
			all = append(all, pool.Instance{Name: name, Options: tnt.Options{Address: "127.0.0.1:1"}})
		}
		return all
	}
	for _, test := range []struct {
		opts  pool.Options
		words []string // none: it is right
	}{
		{pool.Options{Instances: one, Connections: -1}, []string{"Connections", "-1", "0 stands for 1"}},
		{pool.Options{Instances: one, MaxWait: -2}, []string{"MaxWait", "-2ns", "default"}},
		{pool.Options{Instances: one, MaxLag: -1}, []string{"MaxLag"}},
		{pool.Options{Instances: one, TryFor: -1}, []string{"TryFor"}},
		{pool.Options{Instances: one, Probe: -1}, []string{"Probe"}},
		{pool.Options{Instances: one, MaxWait: tnt.Never, Connections: 2}, nil},
		{pool.Options{Instances: plain("a", "b")}, []string{`"a" and "b"`, "same address", "127.0.0.1:1"}},
		{pool.Options{Instances: []pool.Instance{one[0], one[0]}}, []string{"two instances", `"a"`}},
		{pool.Options{Instances: []pool.Instance{one[0], {Name: "b", Options: one[0].Options}}}, nil}, // a Dialer may tell them apart
		{pool.Options{Instances: []pool.Instance{{Name: "a", Weight: -1}}}, []string{`"a"`, "weight is -1", "from 1 to 100"}},
		{pool.Options{Instances: []pool.Instance{{Name: "a", Weight: 101}}}, []string{"weight is 101"}},
		{pool.Options{Instances: []pool.Instance{{Name: "a", Weight: 100, Options: one[0].Options}}}, nil},
		{pool.Options{Instances: []pool.Instance{{Name: "a", Options: tnt.Options{Password: "s3cret"}}}}, []string{`"a"`, "without a user"}},
		{pool.Options{Instances: one, Hooks: []pool.Hook{pool.RoleFunc(func(string, pool.Role, pool.Role, error) {}), "x"}}, []string{"Hooks[1]", "string"}},
	} {
		p, err := pool.New(test.opts)
		if p != nil {
			must(t, p.Close())
		}
		if test.words == nil {
			must(t, err)
		} else {
			wantWords(t, fmt.Sprintf("%+v", test.opts), err, test.words...)
		}
	}
}

// A change that can't be made is refused, and changes nothing.
func TestWrongChanges(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx, p := t.Context(), e.pool
		time.Sleep(time.Second) // so that a change has another time
		before := p.Status()
		heavy, bad := e.instance(1), e.instance(1)
		heavy.Weight, bad.Options.Address = 101, "x:y:z"
		wantWords(t, "Add", p.Add(heavy), "weight is 101")
		wantWords(t, "Add", p.Add(e.instance(0)), `an instance "r0" already`, "Replace replaces it")
		wantWords(t, "Replace", p.Replace(ctx, heavy), "weight is 101")
		wantWords(t, "Replace", p.Replace(ctx, bad), `"r1"`, "x:y:z")
		wantWords(t, "SetInstances", p.SetInstances(ctx, []pool.Instance{e.instance(0), heavy}), "weight is 101")
		wantWords(t, "SetInstances of none", p.SetInstances(ctx, nil), "no instances")
		other := e.instance(1)
		other.Name = "r9"
		wantWords(t, "Replace", p.Replace(ctx, other), `no instance "r9"`, "Add adds one")
		wantWords(t, "Remove", p.Remove(ctx, "r9"), `no instance "r9"`)
		_, err := p.On("r9")
		wantWords(t, "On", err, `no instance "r9"`, `["r0" "r1" "r2"]`)
		synctest.Wait()
		for i, s := range p.Status() {
			if s.Since != before[i].Since || s.Role != before[i].Role || len(p.Instances()) != 3 {
				t.Errorf("%s was touched: %+v, before it %+v", s.Name, s, before[i])
			}
		}
		must(t, insert(ctx, p, 1))
	})
}

func TestConnect(t *testing.T) {
	for url, words := range map[string][]string{
		"u:s3cret@a,b?max_wait=soon":  {"max_wait", "soon", "500ms"},
		"u:s3cret@a,b?probe=0s":       {"probe", "0s", "above zero"},
		"u:s3cret@a,b?connections=x":  {"connections", "x", "whole number above zero"},
		"u:s3cret@a,b?connections=0":  {"connections", "whole number above zero"},
		"u:s3cret@a,b?independent=so": {"independent", "so", "true nor false"},
		"u:s3cret@a,b?zone=%zz":       {"parameters"},
		"u:s3cret@a,b?zone=":          {"zone", "empty"},
		"u:s3cret@a,,b":               {"empty"},
		"u:s3cret@a,a":                {"the host a twice"},
	} {
		_, err := pool.Connect(t.Context(), url)
		if wantWords(t, url, err, words...); err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error holds the password: %v", err)
		}
	}
	rs := tnttest.RunReplicaSet(t, 3, kvSpace)
	must(t, rs.Listen("tcp", "127.0.0.1:0"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p, err := pool.Connect(ctx, strings.Join(rs.Addrs(), ",")+"?connections=1")
	must(t, err)
	defer func() { _ = p.Close() }()
	must(t, insert(ctx, p, 1))
	if s := p.Status(); len(s) != 3 || s[0].Name != rs.Addrs()[0] {
		t.Errorf("the pool has %+v", s)
	}
}

// Who fits none says so of each, whether it waited, and what failed before.
func TestWordsOfNoInstance(t *testing.T) {
	why := errors.New("it is read-only")
	for _, test := range []struct {
		err  pool.NoInstanceError
		want string
	}{
		{pool.NoInstanceError{View: "any"}, "no instance of the pool fits (any)"},
		{pool.NoInstanceError{View: "any", Waited: 1}, "no instance of the pool fits (any) after 0s"},
		{
			pool.NoInstanceError{View: "any", Waited: 1234567 * time.Microsecond, Unfit: []pool.Unfit{{Name: "a", Why: why}, {Name: "b", Address: "c", Why: why}, {Name: "d", Address: "d", Why: why}}},
			"no instance of the pool fits (any) after 1.235s: a: it is read-only; b (c): it is read-only; d: it is read-only",
		},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{MaxWait: 3 * time.Second}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		r1 := e.named(t, 1)
		must(t, e.SetReadOnly(0, true))
		must(t, e.Kill(1))
		for _, test := range []struct {
			view *pool.View
			want string
		}{
			{e.pool.Master(), "(master) after 3s: r0 (r0:3301): it is read-only; r1 (r1:3301): not connected: "},
			{r1, "(r1) after 3s: r1 (r1:3301): not connected: "},
		} {
			err := insert(ctx, test.view, 1)
			wantWords(t, "a write", err, test.want)
			var none *pool.NoInstanceError
			if !errors.As(err, &none) || none.Waited != 3*time.Second {
				t.Errorf("it waited 3 s: %+v", none)
			}
		}
		must(t, e.pool.Remove(ctx, "r1"))
		began := time.Now()
		err := insert(ctx, r1, 1)
		wantWords(t, "a write on one that was removed", err, "(r1) after 3s: r1: it is not in the pool")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What was refused to the end says so once, beside why none fits, and names the request
// once; where the context ends first likewise.
func TestWordsOfTheLastTry(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{MaxWait: 250 * time.Millisecond}, func(t *testing.T, e *embedded) {
		e.everywhere(tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.Readonly)})
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		for _, ctx := range []context.Context{short, t.Context()} {
			err := insert(ctx, e.pool, 1)
			wantWords(t, "a write that each refuses", err, "INSERT kv on r0:3301: ", "no instance of the pool fits (master)", "it refused a write as read-only just now", "; the last try: refused by a fault (ER_READONLY")
			if !errors.Is(err, errcode.Readonly) || !errors.Is(err, pool.ErrNoInstance) || ctx == short && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("its error is %v", err)
			}
			for _, once := range []string{"INSERT", "refused by a fault"} {
				if n := strings.Count(fmt.Sprint(err), once); n != 1 {
					t.Errorf("%q is in it %d times: %v", once, n, err)
				}
			}
		}
	})
}
