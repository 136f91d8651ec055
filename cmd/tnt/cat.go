package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/xlog"
)

// catFlags are the flags of `tnt cat`.
type catFlags struct {
	spaces     []string
	from, to   uint64
	replicas   []uint
	showSystem bool
	format     string
	salvage    bool
	verify     bool
}

func newCatCommand() *cobra.Command {
	var flags catFlags
	cmd := &cobra.Command{
		Use:   "cat FILE...",
		Short: "print the rows of logs, snapshots and vinyl's files",
		Long: "Cat prints the rows of .xlog, .snap, .vylog, .run and .index files, each as a line. Spaces are\n" +
			"named by the definitions in the files, and in the newest snapshot beside a log that is\n" +
			"not younger than it. Their definitions and truncations are rows of system spaces, which\n" +
			"--show-system prints, too.\n\n" +
			"--format lua prints what makes the same changes again; what is local to the server is printed as well.\n" +
			"In JSON binary data, and text that is no UTF-8, are in base64.\n\n" +
			"Damage ends the command with an error. With --salvage it goes on behind the damage, and says\n" +
			"on standard error what was lost. --verify prints no rows: it reads files, or whole directories,\n" +
			"checks all of them, and that no log is missing.",
		Example: "  tnt cat 00000000000000000047.xlog --space goods --from 100\n  tnt cat --verify /var/lib/tarantool/app",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.verify {
				return verify(cmd.Context(), cmd.OutOrStdout(), args)
			}
			return cat(cmd, &flags, args)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.spaces, "space", nil, "print rows of this space only, by its `name` or id")
	f.Uint64Var(&flags.from, "from", 0, "print rows from this `LSN` on")
	f.Uint64Var(&flags.to, "to", 0, "print rows before this `LSN`")
	f.UintSliceVar(&flags.replicas, "replica", nil, "print rows that the instance of this `id` wrote only")
	f.BoolVar(&flags.showSystem, "show-system", false, "print rows of system spaces and of no space, too")
	f.StringVar(&flags.format, "format", "json", "`form` of a row: json, lua or table")
	f.BoolVar(&flags.salvage, "salvage", false, "go on behind damage")
	f.BoolVar(&flags.verify, "verify", false, "check files and directories, and print what is wrong")
	return cmd
}

func cat(cmd *cobra.Command, flags *catFlags, paths []string) error {
	print, err := rowPrinter(flags.format)
	if err != nil {
		return err
	}
	c := &catter{ctx: cmd.Context(), flags: flags, names: newNames(), out: cmd.OutOrStdout(), print: print}
	lost := 0
	for _, path := range paths {
		var opts []xlog.Option
		if flags.salvage {
			c.lose = func(what string) {
				lost++
				fmt.Fprintln(cmd.ErrOrStderr(), what)
			}
			opts = append(opts, xlog.Salvage(func(d xlog.Damage) { c.lose(lossText(path, d)) }))
		}
		if err := c.file(path, opts); err != nil {
			return err
		}
	}
	if lost > 0 {
		return fmt.Errorf("damaged places that were passed over: %d", lost)
	}
	return nil
}

// lossText says what damage lost, by the rows before and behind it.
func lossText(path string, d xlog.Damage) string {
	text := fmt.Sprintf("%s: %v", path, d)
	if d.After == (types.VClock{}) {
		return text + "; nothing follows"
	}
	for id, after := range d.After {
		before := d.Before[id]
		whose := fmt.Sprintf("of instance %d", id)
		if id == 0 {
			whose = "of local spaces"
		}
		switch {
		case after <= before+1: // After has the first row behind the damage already
		case after == before+2:
			text += fmt.Sprintf("; row %d %s is lost", before+1, whose)
		default:
			text += fmt.Sprintf("; rows %d to %d %s are lost", before+1, after-1, whose)
		}
	}
	return text
}

// A catter prints the rows of one file after another.
type catter struct {
	ctx   context.Context //nolint:containedctx // of the command
	flags *catFlags
	names *names
	out   io.Writer
	print func(io.Writer, *printedRow) error
	lose  func(what string) // of --salvage: says what damage lost
}

func (c *catter) file(path string, opts []xlog.Option) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name its files, or check it by --verify", path)
	}
	r, err := xlog.Open(path, opts...)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	if r.Header().Type == xlog.TypeLog {
		c.names.beside(path, r.Header().VClock)
	}
	for row, err := range r.Rows() {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		data, err := row.Data()
		if err != nil {
			err = fmt.Errorf("%s: row %d: %w", path, row.LSN, err)
			if c.lose == nil {
				return err
			}
			c.lose(err.Error())
			continue
		}
		if c.wanted(&row, data.SpaceID) {
			if err := c.print(c.out, &printedRow{&row, &data, c.names.of(data.SpaceID), r.Header().Type}); err != nil {
				return err
			}
		}
		c.names.learn(&row, &data)
	}
	return nil
}

// firstUserSpace is the least id of a space that is no system space.
const firstUserSpace = 512

func (c *catter) wanted(row *xlog.Row, space uint32) bool {
	switch {
	case row.LSN < c.flags.from, c.flags.to > 0 && row.LSN >= c.flags.to:
		return false
	case len(c.flags.replicas) > 0 && !slices.Contains(c.flags.replicas, uint(row.ReplicaID)):
		return false
	case len(c.flags.spaces) > 0:
		return slices.Contains(c.flags.spaces, c.names.of(space)) || slices.Contains(c.flags.spaces, strconv.Itoa(int(space)))
	}
	// Rows of vinyl's files name no space; those of a log that don't say no data.
	return c.flags.showSystem || space >= firstUserSpace || space == 0 && row.Type != iproto.TypeNop && !isDecision(row.Type)
}

func isDecision(t iproto.Type) bool { return t >= iproto.TypeRaft && t <= iproto.TypeRaftRollback }

func verify(ctx context.Context, out io.Writer, paths []string) error {
	bad := 0
	report := func(c xlog.Check) {
		state := fmt.Sprintf("%d rows, %v", c.End.Rows, c.End.VClock)
		if !c.End.Clean && c.Err == nil {
			state += ", no end mark"
		}
		if c.End.TailBytes > 0 {
			state += fmt.Sprintf(", cut off in a block of which %d bytes are there", c.End.TailBytes)
		}
		verdict := "sound"
		if !c.Sound() {
			verdict = "DAMAGED"
			bad++
		}
		fmt.Fprintf(out, "%s: %s: %s\n", c.Path, verdict, state)
		if c.Err != nil {
			fmt.Fprintf(out, "  %v\n", c.Err)
		}
		for _, d := range c.Damage {
			fmt.Fprintln(out, "  "+lossText("at "+strconv.FormatInt(d.Offset, 10), d))
		}
	}
	for _, path := range paths {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case !info.IsDir():
			report(xlog.Verify(path))
			continue
		}
		dir, err := xlog.OpenDir(path)
		if err != nil {
			return err
		}
		if len(dir.Files()) == 0 {
			return fmt.Errorf("%s: no Tarantool files there", filepath.Clean(path))
		}
		for c := range dir.Verify() {
			if report(c); ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	if bad > 0 {
		return fmt.Errorf("damaged files: %d", bad)
	}
	return nil
}
