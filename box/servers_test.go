package box_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const adminPassword = "adm1n"

// server is one to test with: it holds the space tester, and admin can log in.
type server struct {
	address string
	version iproto.Version
}

var programs = sync.OnceValues(tarantool.Find)

// onServers runs a test on the embedded server, as old and as new, and on every
// real one.
func onServers(t *testing.T, test func(t *testing.T, s server)) {
	t.Helper()
	for _, version := range []string{"2.6.0", "3.8.0"} {
		t.Run("embedded "+version, func(t *testing.T) {
			srv := tnttest.Run(t, tnttest.WithVersion(version), tnttest.WithSpace(tnttest.SpaceDef{
				Name:    "tester",
				Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}},
				Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1}}}},
			}))
			run(t, server{address: srv.Addr()}, test)
		})
	}
	found, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		t.Run(p.Version.String(), func(t *testing.T) {
			srv, err := tarantool.Start(p.Path, "box.schema.space.create('tester'):create_index('primary')")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = srv.Close() })
			run(t, server{address: srv.Address}, test)
		})
	}
}

func run(t *testing.T, s server, test func(t *testing.T, s server)) {
	t.Helper()
	guest := s.connect(t, "", "")
	if err := box.User("admin").Passwd(testContext(t), guest, adminPassword); err != nil {
		t.Fatal(err)
	}
	s.version = guest.Version()
	test(t, s)
}

// connect logs in, as guest where user is "".
func (s server) connect(t *testing.T, user, password string) *tnt.Conn {
	t.Helper()
	conn, err := s.login(t, user, password)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (s server) admin(t *testing.T) *tnt.Conn {
	t.Helper()
	return s.connect(t, "admin", adminPassword)
}

func (s server) login(t *testing.T, user, password string) (*tnt.Conn, error) {
	t.Helper()
	conn, err := tnt.ConnectOptions(testContext(t), tnt.Options{Address: s.address, User: user, Password: password, ConnectOnce: true})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := conn.Disconnect(ctx); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	return conn, nil
}

// testContext bounds what a test waits for.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
