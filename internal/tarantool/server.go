// Package tarantool starts real Tarantool servers for tests, benchmarks and
// demonstrations: each listens on loopback, has a directory of its own, and is
// stopped by its own process id. It ends with the process that started it,
// however that ends.
package tarantool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startTimeout bounds the wait for a server to be ready.
const startTimeout = 30 * time.Second

// script configures a server. Its arguments are the addresses to listen on;
// the end of its standard input, that of the process that started it, ends it.
const script = `
local fiber = require('fiber')
local listen, log, setup, more = arg[1], arg[2], arg[3], arg[4]
fiber.create(function()
    while require('socket').iowait(0, 'R') do
        if io.stdin:read(1) == nil then os.exit(0) end
    end
end)
local cfg = {listen = listen, log = log, wal_mode = 'none', memtx_memory = 256 * 1024 * 1024}
local major, minor = _TARANTOOL:match('^(%d+)%.(%d+)')
if tonumber(major) > 2 or tonumber(minor) > 7 then cfg.memtx_use_mvcc_engine = true end
for option, value in pairs(loadstring('return ' .. more)()) do cfg[option] = value end
-- Of a server that keeps what it holds: it would let others read while it has but
-- a part of that again.
local late = cfg.wal_mode ~= 'none'
if late then cfg.listen = nil end
local ok, err = pcall(box.cfg, cfg)
if not ok then
    io.stdout:write('failed: ' .. tostring(err) .. '\n')
    os.exit(1)
end
box.once('setup', function()
    box.schema.user.grant('guest', 'super', nil, nil, {if_not_exists = true})
end)
local chunk = assert(loadfile(setup))
chunk()
if late then box.cfg{listen = listen} end
io.stdout:write('ready\n')
io.stdout:flush()
`

// Server is a running server.
type Server struct {
	// Address to connect to: 127.0.0.1:port, or the path of a unix socket.
	Address string

	binary string
	dir    string
	env    []string // of a script of the caller's
	keeps  bool     // what it held, when it is run again: it is a script's, or it writes a log
	cfg    string   // a Lua table of more options
	cmd    *exec.Cmd
	stdin  io.Closer
	exited chan struct{}
}

// Start starts the binary, listening on loopback, and runs the Lua in setup,
// as guest with all rights. It returns when the server is ready.
func Start(binary, setup string) (*Server, error) {
	return start(&Server{binary: binary, cfg: "{}"}, setup, false)
}

// StartUnix is Start with a unix socket.
func StartUnix(binary, setup string) (*Server, error) {
	return start(&Server{binary: binary, cfg: "{}"}, setup, true)
}

// StartLogging is StartUnix of a server that writes a log: Run brings back what
// it held. cfg is a Lua table of options for box.cfg, "{}" for none. The Lua in
// setup is run at each start, and has to take that.
func StartLogging(binary, cfg, setup string) (*Server, error) {
	return start(&Server{binary: binary, cfg: cfg, keeps: true}, setup, true)
}

// StartDurable is StartLogging on loopback, without options of the caller's: it
// writes what it is told to a journal before it answers, and listens only when it has
// all of it again.
func StartDurable(binary, setup string) (*Server, error) {
	return start(&Server{binary: binary, cfg: "{}", keeps: true}, setup, false)
}

func start(s *Server, setup string, unix bool) (*Server, error) {
	dir, err := os.MkdirTemp("", "tarantool-")
	if err != nil {
		return nil, err
	}
	s.dir, s.Address = dir, filepath.Join(dir, "tarantool.sock")
	if s.keeps {
		s.cfg = "(function() local c = " + s.cfg + " c.wal_mode = c.wal_mode or 'write' return c end)()"
	}
	if !unix {
		if s.Address, err = freeAddress(); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	for name, text := range map[string]string{"init.lua": script, "setup.lua": setup} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	if err := s.Run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// NewScript makes a server that runs the binary with a script of the caller's, in a
// directory of its own, with env ("NAME=value") added to the environment; Run starts
// it, so that servers can know each other's addresses and start together. The script
// does all that Start otherwise does: it listens on the unix socket arg[1], logs to
// arg[2], prints "ready" as a line when it is, and ends at the end of its standard
// input. Where it is restarted by Run it finds the files that it wrote.
func NewScript(binary, script string, env ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "tarantool-")
	if err != nil {
		return nil, err
	}
	s := &Server{binary: binary, dir: dir, Address: filepath.Join(dir, "tarantool.sock"), env: env, keeps: true}
	if err := os.WriteFile(filepath.Join(dir, "init.lua"), []byte(script), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// SetEnv adds to the environment that Run gives a script.
func (s *Server) SetEnv(env ...string) { s.env = append(s.env, env...) }

// freeAddress finds a port that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Run starts a server again that was stopped or killed, at the same address.
// What it held is gone, unless it writes a log, and its setup is run again; that of
// a script stays.
func (s *Server) Run() error {
	if !s.keeps {
		s.forget()
	}
	cmd := exec.Command(s.binary, filepath.Join(s.dir, "init.lua"), s.Address,
		filepath.Join(s.dir, "log"), filepath.Join(s.dir, "setup.lua"), s.cfg)
	cmd.Dir = s.dir
	if s.env != nil {
		cmd.Env = append(os.Environ(), s.env...)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.stdin, s.exited = cmd, stdin, make(chan struct{})
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- strings.TrimSpace(text)
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
		close(s.exited)
	}()
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	var text string
	select {
	case text = <-line:
		if text == "ready" {
			return nil
		}
	case <-timer.C:
		text = "not ready in time"
	}
	s.Kill()
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return fmt.Errorf("%s did not start: %s\n%s%s", s.binary, text, errs.String(), log)
}

// forget removes what the server held.
func (s *Server) forget() {
	for _, pattern := range []string{"*.snap", "*.xlog", "*.vylog"} {
		files, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, file := range files {
			_ = os.Remove(file)
		}
	}
}

// Kill ends the server at once, as a crash does, and waits for its end.
func (s *Server) Kill() { s.signal(sigKill) }

// Segfault makes the server crash, and waits for its end.
func (s *Server) Segfault() { s.signal(sigSegv) }

// Stop ends the server in order, and waits for its end.
func (s *Server) Stop() { s.signal(sigTerm) }

func (s *Server) signal(sig os.Signal) {
	if s.cmd == nil { // it was never run
		return
	}
	_ = s.cmd.Process.Signal(sig)
	_ = s.cmd.Process.Signal(sigCont)
	<-s.exited
	_ = s.stdin.Close()
}

// Terminate asks the server to end in order and doesn't wait for it.
func (s *Server) Terminate() { _ = s.cmd.Process.Signal(sigTerm) }

// Pause makes the server stand still; Resume lets it go on.
func (s *Server) Pause() { _ = s.cmd.Process.Signal(sigStop) }

// Resume lets a paused server go on.
func (s *Server) Resume() { _ = s.cmd.Process.Signal(sigCont) }

// Close kills the server and removes its directory.
func (s *Server) Close() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}

// Dir returns the server's directory, where its files are.
func (s *Server) Dir() string { return s.dir }
