package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/gotnt/tnt/tnttest"
)

// replicaHelp lists what standard input takes.
const replicaHelp = `  promote N      make server N the leader
  readonly N     set its read_only
  readwrite N    and take that back
  freeze N       stop it, as SIGSTOP does
  thaw N         let it go on
  kill N         end it, as SIGKILL does
  shutdown N     end it in order: its clients are told
  restart N      start one that was ended
  partition N    cut it off from the others
  heal           end that
  status         print who leads
  help           print this`

// serveReplicas serves a replica set and obeys standard input until the
// context ends. The end of standard input ends nothing.
func serveReplicas(cmd *cobra.Command, n int, network, address string, opts []tnttest.Option) (err error) {
	rs, err := tnttest.StartReplicaSet(n, opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rs.Close()) }()
	for _, srv := range rs.Instances() {
		srv.HandleDemo()
	}
	if err := rs.Listen(network, address); err != nil {
		return err
	}
	op := operator{rs: rs, out: cmd.OutOrStdout()}
	op.printf("a replica set of %d; nothing is kept on disk; \"help\" lists what can be typed\n", n)
	for i, addr := range rs.Addrs() {
		op.printf("%d: %s is listening on %s\n", i, rs.Name(i), addr)
	}
	ctx := cmd.Context()
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		op.announce(ctx)
	}()
	// A read of standard input can't be ended, so nothing waits for its
	// goroutine: it ends with the process.
	lines := make(chan string)
	go readLines(cmd.InOrStdin(), lines, ctx.Done())
	for {
		select {
		case line, more := <-lines:
			if !more {
				<-ctx.Done()
				return nil
			}
			op.obey(ctx, line)
		case <-ctx.Done():
			return nil
		}
	}
}

func readLines(r io.Reader, lines chan<- string, done <-chan struct{}) {
	defer close(lines)
	for s := bufio.NewScanner(r); s.Scan(); {
		select {
		case lines <- s.Text():
		case <-done:
			return
		}
	}
}

// operator does to a replica set what is typed.
type operator struct {
	rs *tnttest.ReplicaSet

	mu  sync.Mutex // of out, which two goroutines write
	out io.Writer
}

func (o *operator) printf(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.out, format, args...)
}

// announce prints who leads, whenever that is another.
func (o *operator) announce(ctx context.Context) {
	for {
		i := o.rs.Leader()
		o.tell(i)
		if o.rs.WaitChange(ctx, i) != nil {
			return
		}
	}
}

// tell prints who leads, -1 for nobody.
func (o *operator) tell(i int) {
	if i < 0 {
		o.printf("nobody leads\n")
		return
	}
	o.printf("%s leads\n", o.rs.Name(i))
}

// obey does what a line says, and prints what is wrong with it.
func (o *operator) obey(ctx context.Context, line string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	if err := o.do(ctx, words[0], words[1:]); err != nil {
		o.printf("%v\n", err)
	}
}

func (o *operator) do(ctx context.Context, verb string, args []string) error {
	switch verb {
	case "help":
		o.printf("%s\n", replicaHelp)
		return nil
	case "heal":
		o.rs.Heal()
		return nil
	case "status":
		o.tell(o.rs.Leader())
		return nil
	}
	f := o.verbs(ctx)[verb]
	if f == nil {
		return fmt.Errorf("there is no command %q: type \"help\"", verb)
	}
	if len(args) != 1 {
		return fmt.Errorf("%s takes the number of a server, such as %q", verb, verb+" 1")
	}
	i, err := strconv.Atoi(strings.TrimPrefix(args[0], "r"))
	if err != nil {
		return fmt.Errorf("%s takes the number of a server, from 0 to %d, not %q", verb, o.rs.Len()-1, args[0])
	}
	return f(i)
}

// verbs are the commands that take the number of a server.
func (o *operator) verbs(ctx context.Context) map[string]func(int) error {
	rs := o.rs
	return map[string]func(int) error{
		"promote":   rs.Promote,
		"readonly":  func(i int) error { return rs.SetReadOnly(i, true) },
		"readwrite": func(i int) error { return rs.SetReadOnly(i, false) },
		"freeze":    rs.Freeze,
		"thaw":      rs.Thaw,
		"kill":      rs.Kill,
		"shutdown":  func(i int) error { return rs.Shutdown(ctx, i) },
		"restart":   rs.Restart,
		"partition": func(i int) error { return rs.Partition([]int{i}) },
	}
}
