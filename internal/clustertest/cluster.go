// Package clustertest starts real servers with the Lua modules vshard, crud and
// queue for tests. The modules are not part of the project: the environment's
// TNT_LUA_MODULES names the folder that has them, as Lua's require finds them.
package clustertest

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/tarantool"
)

//go:embed lua/*.lua
var scripts embed.FS

// startTimeout bounds the wait for a cluster to be ready.
const startTimeout = 60 * time.Second

// Each runs a test on each Tarantool that there is, and skips it where the
// modules or a server are missing.
func Each(t *testing.T, fn func(t *testing.T, p tarantool.Program)) {
	t.Helper()
	if os.Getenv("TNT_LUA_MODULES") == "" {
		t.Skip("TNT_LUA_MODULES is not set: it names the folder with the Lua modules vshard, crud and queue")
	}
	programs, err := tarantool.Find()
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) == 0 {
		t.Skip("there is no Tarantool: neither on PATH nor in TARANTOOL")
	}
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) { fn(t, p) })
	}
}

// Instance is a running server.
type Instance struct {
	Name    string
	Address string

	cmd    *exec.Cmd
	log    *log
	exited chan struct{}
	once   sync.Once
}

// Kill ends the instance as a crash does.
func (i *Instance) Kill() { i.signal(os.Kill) }

// Pause makes the instance stand still, as SIGSTOP does; Resume lets it go on.
func (i *Instance) Pause() { _ = i.cmd.Process.Signal(sigStop) }

// Resume lets a paused instance go on.
func (i *Instance) Resume() { _ = i.cmd.Process.Signal(sigCont) }

func (i *Instance) signal(s os.Signal) {
	i.once.Do(func() {
		_ = i.cmd.Process.Signal(s)
		<-i.exited
	})
}

// log keeps what an instance writes, and tells when it is ready.
type log struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	if l.ready != nil && bytes.Contains(l.text.Bytes(), []byte("READY\n")) {
		close(l.ready)
		l.ready = nil
	}
	return len(b), nil
}

func (l *log) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.text.Bytes()
	const most = 3000
	return string(b[max(0, len(b)-most):])
}

// freePorts returns the first of several ports that nobody listens on, below
// those that outgoing connections take.
func freePorts(tb testing.TB, n int) int {
	tb.Helper()
	for base := 20000 + os.Getpid()%1000*10; base < 32000; base += n {
		free := true
		for port := base; port < base+n && free; port++ {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if free = err == nil; free {
				_ = l.Close()
			}
		}
		if free {
			return base
		}
	}
	tb.Fatal("there are no free ports")
	return 0
}

// start starts instances of a script and waits until all are ready. They end
// with the test.
// Where there is a declarative configuration that is started, not a script.
func start(tb testing.TB, p tarantool.Program, script, config string, base int, names []string, env ...string) map[string]*Instance {
	tb.Helper()
	dir := tb.TempDir()
	files, err := scripts.ReadDir("lua")
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		text, err := scripts.ReadFile("lua/" + f.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	modules := os.Getenv("TNT_LUA_MODULES")
	env = append(append(os.Environ(), env...), "SCRIPTS="+dir, fmt.Sprintf("BASE=%d", base),
		fmt.Sprintf("LUA_PATH=%[2]s/?.lua;%[1]s/?.lua;%[1]s/?/init.lua;;", modules, dir))
	instances := make(map[string]*Instance)
	waits := make(map[string]<-chan struct{})
	for _, name := range names {
		home := filepath.Join(dir, name)
		if err := os.Mkdir(home, 0o700); err != nil {
			tb.Fatal(err)
		}
		ready := make(chan struct{})
		i := &Instance{Name: name, log: &log{ready: ready}, exited: make(chan struct{})}
		i.cmd = exec.Command(p.Path, filepath.Join(dir, script+".lua"))
		if config != "" {
			i.cmd = exec.Command(p.Path, "--name", name, "--config", config)
		}
		i.cmd.Dir, i.cmd.Stderr, i.cmd.Stdout = home, i.log, i.log
		i.cmd.Env = append(append([]string(nil), env...), "NAME="+name)
		if err := i.cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		go func() {
			_ = i.cmd.Wait()
			close(i.exited)
		}()
		tb.Cleanup(func() {
			i.Kill()
			if tb.Failed() {
				tb.Logf("the log of %s ends so:\n%s", name, i.log.tail())
			}
		})
		instances[name], waits[name] = i, ready
	}
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	for name, ready := range waits {
		select {
		case <-ready:
		case <-instances[name].exited:
			tb.Fatalf("%s has ended: %s", name, instances[name].log.tail())
		case <-timer.C:
			tb.Fatalf("%s is not ready after %v", name, startTimeout)
		}
	}
	return instances
}

// Sharded is a cluster of two replica sets of two storages, and a router with
// crud.
type Sharded struct {
	Buckets   uint32
	Instances map[string]*Instance // s1a, s1b, s2a, s2b and router; those with an a are masters
}

// Sets are the UUIDs of the replica sets.
var Sets = [...]string{"bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"}

// StartSharded starts a cluster.
func StartSharded(tb testing.TB, p tarantool.Program) *Sharded {
	tb.Helper()
	const buckets = 100
	base := freePorts(tb, 5)
	names := []string{"router", "s1a", "s1b", "s2a", "s2b"}
	c := &Sharded{Buckets: buckets, Instances: start(tb, p, "sharded", "", base, names, "BUCKETS="+strconv.Itoa(buckets))}
	for i, name := range names {
		c.Instances[name].Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i))
	}
	return c
}

// StartQueue starts one server with queue, or two of a replica set, q1 and q2,
// of which q1 is the master.
func StartQueue(tb testing.TB, p tarantool.Program, n int) []*Instance {
	tb.Helper()
	base := freePorts(tb, n+1)
	var names, env []string
	for i := range n {
		names = append(names, "q"+strconv.Itoa(i+1))
	}
	if n > 1 {
		env = append(env, "PAIR=1")
	}
	started := start(tb, p, "tubes", "", base, names, env...)
	list := make([]*Instance, n)
	for i, name := range names {
		list[i] = started[name]
		list[i].Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i+1))
	}
	return list
}
