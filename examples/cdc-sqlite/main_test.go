package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// childArgs, where set, makes the test's program the one under test: a process
// that can be killed.
const childArgs = "CDC_SQLITE_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(childArgs); args != "" {
		if err := run(context.Background(), strings.Split(args, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var schema = tnttest.SpaceDef{
	Name:    "goods",
	Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "stock", Type: "integer"}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
}

// A servers is what the program follows.
type servers struct {
	urls []string
	// conn returns a connection to the one that takes writes.
	conn func() *tnt.Conn
	// kill ends a server as a crash does, and starts it again.
	kill func()
}

// The table is the space, after the program and the servers were killed again
// and again.
func TestKills(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { testKills(t, embedded(t)) })
	t.Run("real", func(t *testing.T) { testKills(t, realServer(t)) })
}

const marker = 1000000

func testKills(t *testing.T, s servers) {
	path := filepath.Join(t.TempDir(), "goods.db")
	p := start(t, path, s.urls)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 8 {
		conn := s.conn()
		for i := range 40 {
			write(t, conn, random)
			if i == 20 && round%2 == 0 {
				p.kill()
				p = start(t, path, s.urls)
			}
		}
		p.await(t, path, conn, round)
		if round%3 == 1 {
			if round > 3 {
				p.kill()
			}
			s.kill()
			if round > 3 {
				p = start(t, path, s.urls)
			}
		}
	}
	conn := s.conn()
	p.await(t, path, conn, 99)
	p.kill()
	got, want := table(t, path), space(t, conn)
	if !slices.Equal(got, want) {
		t.Errorf("the table has\n%s\nthe space\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(want) < 20 {
		t.Errorf("only %d rows were compared", len(want))
	}
}

// write makes a random change. Additions show what was done twice.
func write(t *testing.T, conn *tnt.Conn, random *rand.Rand) {
	t.Helper()
	ctx, id := t.Context(), random.IntN(50)
	var err error
	switch random.IntN(8) {
	case 0:
		_, err = conn.Delete(ctx, "goods", tnt.K(id))
	case 1:
		_, err = conn.Replace(ctx, "goods", []any{id, fmt.Sprint("good ", id), random.IntN(100)})
	case 2:
		err = conn.Upsert(ctx, "goods", []any{id, "new", 1}, tnt.OpAdd("stock", 10), tnt.OpAssign(1, "known"))
	default:
		err = conn.Upsert(ctx, "goods", []any{id, "new", 1}, tnt.OpAdd(2, 1))
		if err == nil {
			_, err = conn.Update(ctx, "goods", tnt.K(id), tnt.OpSub("stock", 3))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func space(t *testing.T, conn *tnt.Conn) (rows []string) {
	t.Helper()
	all, err := tnt.All[good](t.Context(), conn, tnt.Select{Space: "goods"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		rows = append(rows, fmt.Sprint(g))
	}
	return rows
}

func table(t *testing.T, path string) (list []string) {
	t.Helper()
	s, err := openStore(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	rows, err := s.db.QueryContext(t.Context(), "SELECT id, name, stock FROM goods ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var g good
		if err := rows.Scan(&g.ID, &g.Name, &g.Stock); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(g))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// process is the program, running.
type process struct {
	cmd    *exec.Cmd
	stored chan string // what it prints; closed at its end
}

func start(t *testing.T, path string, urls []string) *process {
	t.Helper()
	args := append([]string{"--db", path, "-v"}, urls...)
	p := &process{cmd: exec.Command(os.Args[0]), stored: make(chan string, 10000)}
	p.cmd.Env = append(os.Environ(), childArgs+"="+strings.Join(args, "\n"))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.stored)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.stored <- lines.Text()
		}
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the program as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	for range p.stored { // to its end
	}
	_ = p.cmd.Wait()
}

// await writes a mark, and waits until the table has it.
func (p *process) await(t *testing.T, path string, conn *tnt.Conn, round int) {
	t.Helper()
	if _, err := conn.Replace(t.Context(), "goods", []any{marker, "mark", round}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(good{marker, "mark", int64(round)})
	late := time.After(time.Minute)
	for !slices.Contains(table(t, path), want) {
		select {
		case _, running := <-p.stored:
			if !running {
				t.Fatal("the program has ended")
			}
		case <-late:
			t.Fatal("the mark did not come")
		}
	}
}

// embedded is a replica set, whose leader is killed.
func embedded(t *testing.T) servers {
	rs := tnttest.RunReplicaSet(t, 3, tnttest.WithSpace(schema))
	s := servers{}
	for _, addr := range rs.Addrs() {
		s.urls = append(s.urls, "tarantool://"+addr)
	}
	leader := func() int {
		i, err := rs.WaitLeader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	s.conn = func() *tnt.Conn { return connect(t, rs.Instance(leader()).Addr()) }
	s.kill = func() {
		for i := range 3 { // the one that is followed, too
			if err := rs.Kill(i); err != nil {
				t.Fatal(err)
			}
			leader()
			if err := rs.Restart(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// realServer is one of its own that keeps a log.
func realServer(t *testing.T) servers {
	binary := os.Getenv("TARANTOOL")
	if binary == "" {
		binary = "tarantool"
	}
	binary, err := exec.LookPath(strings.Split(binary, string(os.PathListSeparator))[0])
	if err != nil {
		t.Skipf("no real server: %v, and TARANTOOL names none", err)
	}
	lua, err := tnttest.Schema{Spaces: []tnttest.SpaceDef{schema}}.Lua()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "cdc") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := filepath.Join(dir, "s")
	script := fmt.Sprintf("box.cfg{work_dir = '%s', log = 'log'}\nif box.space.goods == nil then\n%s\nbox.schema.user.grant('guest', 'super')\nend\nbox.cfg{listen = 'unix/:%s'}\n",
		dir, lua, address)
	if err := os.WriteFile(filepath.Join(dir, "init.lua"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	var cmd *exec.Cmd
	begin := func() {
		cmd = exec.Command(binary, filepath.Join(dir, "init.lua"))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	begin()
	t.Cleanup(func() { kill() })
	return servers{
		urls: []string{"unix://" + address},
		conn: func() *tnt.Conn { return connect(t, "unix/:"+address) },
		kill: func() { kill(); begin() },
	}
}

// connect waits until the server listens.
func connect(t *testing.T, address string) *tnt.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Address: address, ReconnectInterval: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
