package pool_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// listenTLS serves an embedded server over TLS, and returns its address and the
// certificate to trust.
func listenTLS(t *testing.T, srv *tnttest.Server) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(cert)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12,
	})
	must(t, err)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String(), trusted
}

// Each instance has credentials and TLS of its own.
func TestOwnCredentialsAndTLS(t *testing.T) {
	rs := tnttest.RunReplicaSet(t, 3, kvSpace, tnttest.WithUser("alice", "s3cret"), tnttest.WithUser("bob", "hidden"))
	must(t, rs.Listen("tcp", "127.0.0.1:0"))
	addrs := rs.Addrs()
	encrypted, trusted := listenTLS(t, rs.Instance(0))
	list := []pool.Instance{
		{Name: "r0", Options: tnt.Options{
			Address: encrypted, User: "alice", Password: "s3cret", TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		}},
		{Name: "r1", Options: tnt.Options{Address: addrs[1], User: "bob", Password: "hidden"}},
		{Name: "r2", Options: tnt.Options{Address: addrs[2]}},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p, err := pool.Open(ctx, pool.Options{Instances: list})
	must(t, err)
	defer func() { _ = p.Close() }()
	for i, name := range []string{"r0", "r1", "r2"} {
		v, err := p.On(name)
		must(t, err)
		must(t, v.WaitFor(ctx))
		before := selects(rs.Instance(i)) // of the schema
		must(t, selectOne(ctx, v))
		if n := selects(rs.Instance(i)) - before; n != 1 {
			t.Errorf("%s got %d SELECTs", name, n)
		}
	}
	wrong := list[1]
	wrong.Options.Password = "s3cret"
	must(t, p.SetInstances(ctx, []pool.Instance{list[0], wrong, list[2]}))
	eventually(t, "r1 refuses the password", func() bool {
		s := p.Status()[1]
		return s.Role == pool.Unknown && strings.Contains(s.Why.Error(), "ER_CREDS_MISMATCH") && !strings.Contains(s.Why.Error(), "s3cret")
	})
	must(t, selectOne(ctx, p.Replica())) // the other one
	must(t, p.SetInstances(ctx, list))
	v, err := p.On("r1")
	must(t, err)
	must(t, v.WaitFor(ctx))
}

// An instance that is silent is probed after pauses that grow to 5 s, each less a random
// part of up to a half, and is used again when it answers.
func TestProbedBack(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		i := e.instance(1)
		i.Options.PingInterval = tnt.Never // so that the pings are the probes
		must(t, e.pool.Replace(t.Context(), i))
		must(t, e.pool.WaitMaster(t.Context()))
		time.Sleep(2 * time.Second)
		answer := e.Instance(1).Inject(tnttest.Fault{On: iproto.TypePing, Delay: time.Hour})
		time.Sleep(30 * time.Second) // the pauses have grown
		e.wantRoles(t, pool.Master, pool.Unknown, pool.Replica)
		before := pings(e.Instance(1))
		time.Sleep(3 * time.Minute)
		// A probe takes a second, and a pause 2.5 s to 5 s.
		if n := pings(e.Instance(1)) - before; n < 30 || n > 52 {
			t.Errorf("it was probed %d times in three minutes, want 30 to 52", n)
		}
		// However many go unanswered: now and then it is connected to anew, and then probed.
		fit := 0
		for range 20 * 60 {
			time.Sleep(time.Second)
			if e.pool.Status()[1].Role != pool.Unknown {
				fit++
			}
		}
		if fit > 20 {
			t.Errorf("it counted as fit in %d seconds of twenty minutes", fit)
		}
		answer()
		time.Sleep(6 * time.Second)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
	})
}

func pings(srv *tnttest.Server) (n int) {
	for _, r := range srv.Requests() {
		if r.Type == iproto.TypePing {
			n++
		}
	}
	return n
}

// Each works on a pool: what is refused by one that is the master no more is done again.
func TestEachOnAPool(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{}, func(t *testing.T, e *embedded) {
		var reqs []tnt.Insert
		for k := range 600 {
			reqs = append(reqs, tnt.Insert{Space: "kv", Tuple: []any{k, "x"}})
		}
		must(t, e.SetReadOnly(0, true))
		must(t, e.SetReadOnly(1, false))
		k := uint64(0)
		for row, err := range tnt.Each[kv](t.Context(), e.pool, reqs) {
			must(t, err)
			if row.K != k {
				t.Fatalf("row %d has the key %d", k, row.K)
			}
			k++
		}
		if n, err := e.Instance(1).Space("kv").Len(); err != nil || n != len(reqs) || k != uint64(n) {
			t.Errorf("%d rows came, and there are %d, %v", k, n, err)
		}
	})
}
