package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// serving is a `tnt serve --replicas` that a test types at.
type serving struct {
	t     *testing.T
	in    io.Writer
	lines chan string
}

func serveForTest(t *testing.T, args ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	root := newRootCommand()
	root.SetIn(inR)
	root.SetOut(outW)
	root.SetArgs(append([]string{"serve"}, args...))
	s := &serving{t: t, in: inW, lines: make(chan string, 100)}
	done := make(chan error, 1)
	go func() {
		done <- root.ExecuteContext(ctx)
		_ = outW.Close()
	}()
	go func() {
		defer close(s.lines)
		for sc := bufio.NewScanner(outR); sc.Scan(); {
			s.lines <- sc.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = inW.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *serving) typed(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

// want reads lines until one has the text.
func (s *serving) want(text string) string {
	s.t.Helper()
	timeout := time.After(10 * time.Second)
	var read []string
	for {
		select {
		case line, more := <-s.lines:
			if strings.Contains(line, text) {
				return line
			}
			if !more {
				s.t.Fatalf("%q was not printed: %q", text, read)
			}
			read = append(read, line)
		case <-timeout:
			s.t.Fatalf("%q was not printed in time: %q", text, read)
		}
	}
}

func TestServeReplicas(t *testing.T) {
	s := serveForTest(t, "--replicas", "3", "--listen", "unix/:"+t.TempDir())
	s.want("r2 is listening on ")
	s.want("r0 leads")
	s.typed("promote 2")
	s.want("r2 leads")
	s.typed("kill r2")
	s.want("r0 leads")
	s.typed("restart 2")
	for line, answer := range map[string]string{
		"fly 1":           `there is no command "fly"`,
		"kill":            "kill takes the number of a server",
		"kill all":        `from 0 to 2, not "all"`,
		"thaw 1":          "it is not frozen",
		"kill 7":          "no member 7",
		"help":            "make server N the leader",
		"status":          "r0 leads",
		"promote 2 twice": "promote takes the number of a server",
	} {
		s.typed(line)
		s.want(answer)
	}
	s.typed("freeze 0")
	s.want("r1 leads")
	s.typed("readonly 1")
	s.want("nobody leads")
	s.typed("readwrite 1")
	s.want("r1 leads")
}

func TestServeReplicasWrongly(t *testing.T) {
	root := newRootCommand()
	root.SetArgs([]string{"serve", "--replicas", "0"})
	if err := root.ExecuteContext(t.Context()); err == nil {
		t.Error("a replica set of nobody")
	}
}
