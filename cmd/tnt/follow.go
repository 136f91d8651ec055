package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/cdc"
)

// followFlags are the flags of `tnt follow`.
type followFlags struct {
	from       string
	spaces     []string
	showSystem bool
	save       string
	mirror     bool
	quiet      bool
}

func newFollowCommand() *cobra.Command {
	var flags followFlags
	cmd := &cobra.Command{
		Use:   "follow URL...",
		Short: "print the changes of a server as they happen",
		Long: "Follow prints every confirmed transaction of a server as a line of JSON: first the rows that are\n" +
			"there, then what changes them. Of several servers of a replica set it follows one, and another\n" +
			"when that is lost. Binary data, and text that is no UTF-8, are in base64.\n\n" +
			"--from says where to start: at a \"snapshot\", \"now\", at the \"origin\" of the log, or at a position\n" +
			"as the lines have it. With --save the position of what was printed is kept in a file, and the next\n" +
			"run goes on there.\n\n" +
			"The user needs the role \"replication\" on the server.",
		Example: "  tnt follow tarantool://reader:secret@127.0.0.1:3301 --space goods --save goods.position",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return follow(cmd, &flags, args) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.from, "from", "", "`where` to start: snapshot, now, origin or a position (default: what --save has, or else snapshot)")
	f.StringSliceVar(&flags.spaces, "space", nil, "print changes of this space only, by its `name`")
	f.BoolVar(&flags.showSystem, "show-system", false, "print rows of system spaces, too")
	f.StringVar(&flags.save, "save", "", "`file` to keep the position in")
	f.BoolVar(&flags.mirror, "mirror", false, "keep the rows in memory, and print them as they were before and after each change")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "say nothing of connections")
	return cmd
}

func follow(cmd *cobra.Command, flags *followFlags, urls []string) error {
	var servers []tnt.Options
	for _, url := range urls {
		opts, err := tnt.ParseURL(url)
		if err != nil {
			return err
		}
		servers = append(servers, opts)
	}
	if flags.mirror && flags.save != "" && flags.from == "" { // before the first run, not at the second
		return errors.New("--mirror has to see all rows at each start, and --save goes on behind them: leave out one, or give --from snapshot or origin")
	}
	from, err := startOf(flags)
	if err != nil {
		return err
	}
	if err := canSave(flags.save); err != nil {
		return err
	}
	opts := cdc.Options{From: from, Spaces: flags.spaces, System: flags.showSystem}
	if !flags.quiet {
		opts.OnState = func(s cdc.State) { fmt.Fprintln(cmd.ErrOrStderr(), "tnt:", s) }
	}
	feed := cdc.Stream(cmd.Context(), servers, opts)
	if flags.mirror {
		feed = cdc.Mirror(feed, flags.spaces...)
	}
	for tx, err := range feed.All() {
		if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := printTx(cmd.OutOrStdout(), tx); err != nil {
			return err
		}
		if flags.save != "" && tx.Phase != cdc.InSnapshot {
			if err := saveCheckpoint(flags.save, tx.Checkpoint()); err != nil {
				return err
			}
		}
	}
	return nil
}

// startOf returns where to start, by --from and by what --save has.
func startOf(flags *followFlags) (cdc.Start, error) {
	switch flags.from {
	case "":
		if flags.save == "" {
			return cdc.Snapshot, nil
		}
		text, err := os.ReadFile(flags.save)
		if errors.Is(err, os.ErrNotExist) {
			return cdc.Snapshot, nil
		}
		if err != nil {
			return cdc.Start{}, err
		}
		var c cdc.Checkpoint
		if err := c.UnmarshalBinary(text); err != nil {
			return cdc.Start{}, fmt.Errorf("%s: %w", flags.save, err)
		}
		return cdc.At(c), nil
	case "snapshot":
		return cdc.Snapshot, nil
	case "now":
		return cdc.Now, nil
	case "origin":
		return cdc.Origin, nil
	}
	p, err := cdc.ParsePosition(flags.from)
	if err != nil {
		return cdc.Start{}, fmt.Errorf("--from is snapshot, now, origin or a position: %w", err)
	}
	return cdc.AtPosition(p), nil
}

// canSave tries whether a position can be saved, so that this fails before anything is
// printed.
func canSave(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// saveCheckpoint replaces the file as a whole, so that a kill leaves the one
// from before.
func saveCheckpoint(path string, c cdc.Checkpoint) error {
	text, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// txJSON is a transaction as a line of JSON.
type txJSON struct {
	Phase    string       `json:"phase,omitempty"`
	Position string       `json:"position,omitempty"`
	Time     string       `json:"time,omitempty"`
	Origin   uint32       `json:"origin,omitempty"`
	Changes  []changeJSON `json:"changes"`
}

type changeJSON struct {
	Op      string `json:"op"`
	Space   string `json:"space"`
	SpaceID uint32 `json:"space_id"`
	Key     any    `json:"key,omitempty"`
	Tuple   any    `json:"tuple,omitempty"`
	Row     any    `json:"row,omitempty"` // the tuple by the names of its fields
	Ops     any    `json:"ops,omitempty"`
	Old     any    `json:"old,omitempty"`
	New     any    `json:"new,omitempty"`
}

func printTx(out io.Writer, tx *cdc.Tx) error {
	line := txJSON{Position: tx.Position.String(), Origin: tx.Origin, Changes: []changeJSON{}}
	if tx.Phase != cdc.InLog {
		line.Phase = tx.Phase.String()
	}
	if !tx.Time.IsZero() {
		line.Time = tx.Time.UTC().Format(time.RFC3339Nano)
	}
	for _, c := range tx.Changes {
		change := changeJSON{
			Op: c.Op.String(), Space: c.Space.Name, SpaceID: c.Space.ID, Key: values(c.Key.Raw()), Tuple: values(c.Tuple.Raw()),
		}
		if row, err := c.Tuple.Map(); err == nil && len(row) > 0 {
			change.Row = plain(row)
		}
		if len(c.Ops) > 0 {
			var ops []any
			for _, op := range c.Ops {
				field := any(op.Path)
				if op.Path == "" {
					field = op.Field
				}
				ops = append(ops, append([]any{string(op.Code), field}, plain(op.Args).([]any)...))
			}
			change.Ops = ops
		}
		if c.Old != nil {
			change.Old = values(c.Old.Raw())
		}
		if c.New != nil {
			change.New = values(c.New.Raw())
		}
		line.Changes = append(line.Changes, change)
	}
	text, err := jsonLine(line)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}
