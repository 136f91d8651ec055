package tnt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

// embedded starts an embedded server.
func embedded(t *testing.T, opts ...tnttest.Option) *tnttest.Server {
	t.Helper()
	srv, err := tnttest.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return srv
}

// listenTLS serves an embedded server over TLS and returns its address and the
// certificate to trust.
func listenTLS(t *testing.T, srv *tnttest.Server) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String(), pool
}

func TestTLS(t *testing.T) {
	srv := embedded(t, tnttest.WithUser("alice", "s3cret"))
	addr, pool := listenTLS(t, srv)
	conn := connect(t, tnt.Options{
		Address: addr, User: "alice", Password: "s3cret", TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	})
	for _, result := range conn.Batch(testContext(t), tnt.Ping{}, tnt.Ping{}, tnt.Ping{}) {
		if result.Err != nil {
			t.Error(result.Err)
		}
	}

	_, err := tnt.ConnectOptions(testContext(t), tnt.Options{
		Address: addr, ConnectOnce: true, TLS: &tls.Config{MinVersion: tls.VersionTLS12},
	})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("with a certificate nobody vouches for: %v", err)
	}
	_, err = tnt.ConnectOptions(testContext(t), tnt.Options{Address: addr, ConnectOnce: true, ConnectTimeout: 100 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "may expect TLS") {
		t.Errorf("without TLS: %v", err)
	}
}

func TestTLSToAPlainPort(t *testing.T) {
	srv := embedded(t)
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tnt.Connect(testContext(t), "tarantools://"+addr.String()+"?connect_once=true")
	if err == nil || !strings.Contains(err.Error(), "tls") {
		t.Errorf("got %v", err)
	}
}

func TestPapSHA256(t *testing.T) {
	srv := embedded(t, tnttest.WithUser("alice", "s3cret"), tnttest.WithAuthType("pap-sha256"))
	plain, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	encrypted, pool := listenTLS(t, srv)
	opts := tnt.Options{Address: plain.String(), User: "alice", Password: "s3cret", ConnectOnce: true}

	_, err = tnt.ConnectOptions(testContext(t), opts)
	if err == nil || !strings.Contains(err.Error(), "AllowPlainPassword") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("over a plain connection: %v", err)
	}
	opts.AllowPlainPassword = true
	if err := connect(t, opts).Ping(testContext(t)); err != nil {
		t.Errorf("over a plain connection that is permitted: %v", err)
	}
	opts.Password = "wrong"
	if _, err = tnt.ConnectOptions(testContext(t), opts); !errors.Is(err, errcode.CredsMismatch) {
		t.Errorf("with a wrong password: %v", err)
	}
	opts = tnt.Options{
		Address: encrypted, User: "alice", Password: "s3cret", TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}
	if err := connect(t, opts).Ping(testContext(t)); err != nil {
		t.Errorf("over TLS: %v", err)
	}
}

func TestInMemoryNetwork(t *testing.T) {
	srv := embedded(t)
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	if err := conn.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
}
