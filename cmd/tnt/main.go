// Command tnt is a toolbox for Tarantool: an embedded server for tests and
// demonstrations, and more to come.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends what waits where no context is heard, such as a pipe
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, message(err))
		os.Exit(1)
	}
}

// message returns an error as the command says it. Those of package tnt begin with
// its name already.
func message(err error) string { return "tnt: " + strings.TrimPrefix(err.Error(), "tnt: ") }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "tnt",
		Short:         "a toolbox for Tarantool",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCommand(), newDemoCommand(), newCatCommand(), newFollowCommand())
	return root
}
