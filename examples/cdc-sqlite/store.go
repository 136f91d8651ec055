package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt/cdc"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// store is the SQLite database.
type store struct{ db *sql.DB }

// layout: one row of progress, where there is any. Its checkpoint has the
// schema of the moment that the position, which is the newer, was last changed in.
const layout = `
CREATE TABLE IF NOT EXISTS goods (id INTEGER PRIMARY KEY, name TEXT NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position TEXT NOT NULL, checkpoint BLOB NOT NULL);
`

func openStore(ctx context.Context, path string) (*store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, layout); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{db: db}, nil
}

// start returns where to go on: at the position that is stored, or else with a
// snapshot, for which it makes room.
func (s *store) start(ctx context.Context) (cdc.Start, error) {
	var position string
	var blob []byte
	err := s.db.QueryRowContext(ctx, "SELECT position, checkpoint FROM progress").Scan(&position, &blob)
	if errors.Is(err, sql.ErrNoRows) {
		_, err := s.db.ExecContext(ctx, "DELETE FROM goods") // some of a snapshot, perhaps
		return cdc.Snapshot, err
	}
	var checkpoint cdc.Checkpoint
	if err == nil {
		err = checkpoint.UnmarshalBinary(blob)
	}
	if err == nil {
		checkpoint.Position, err = cdc.ParsePosition(position)
	}
	return cdc.At(checkpoint), err
}

// forget makes the next start one with a snapshot.
func (s *store) forget(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM progress")
	return err
}

// apply takes a transaction over, with the position behind it.
func (s *store) apply(ctx context.Context, tx *cdc.Tx) error {
	to, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = to.Rollback() }() // after a commit it does nothing
	for _, c := range tx.Changes {
		if err := change(ctx, to, c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	if err := progress(ctx, to, tx); err != nil {
		return err
	}
	return to.Commit()
}

// progress stores the position. Of a snapshot there is none before its end.
func progress(ctx context.Context, to *sql.Tx, tx *cdc.Tx) error {
	switch {
	case tx.Phase == cdc.InSnapshot:
		return nil
	case !tx.SchemaChanged:
		_, err := to.ExecContext(ctx, "UPDATE progress SET position = ?", tx.Position.String())
		return err
	}
	blob, err := tx.Checkpoint().MarshalBinary()
	if err != nil {
		return err
	}
	_, err = to.ExecContext(ctx, "INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", tx.Position.String(), blob)
	return err
}

// good is a tuple of the space.
type good struct {
	ID    uint64
	Name  string
	Stock int64
}

// change makes one change. The log has requests, so an update is one here, too.
func change(ctx context.Context, to *sql.Tx, c cdc.Change) error {
	exec := func(statement string, args ...any) error {
		_, err := to.ExecContext(ctx, statement, args...)
		return err
	}
	switch c.Op {
	case cdc.Insert, cdc.Replace:
		g, err := cdc.As[good](c)
		if err != nil {
			return err
		}
		return exec("INSERT OR REPLACE INTO goods VALUES (?, ?, ?)", g.ID, g.Name, g.Stock)
	case cdc.Delete:
		id, err := c.Key.At(0)
		if err != nil {
			return err
		}
		return exec("DELETE FROM goods WHERE id = ?", id)
	case cdc.Update:
		id, err := c.Key.At(0)
		if err != nil {
			return err
		}
		set, args, err := assignments(c)
		if err != nil {
			return err
		}
		return exec("UPDATE goods SET "+set+" WHERE id = ?", append(args, id)...)
	case cdc.Upsert:
		var g good
		if err := c.Tuple.Decode(&g); err != nil {
			return err
		}
		set, args, err := assignments(c)
		if err != nil {
			return err
		}
		return exec("INSERT INTO goods VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "+set, append([]any{g.ID, g.Name, g.Stock}, args...)...)
	case cdc.Truncate, cdc.DropSpace:
		return exec("DELETE FROM goods")
	case cdc.CreateSpace, cdc.AlterSpace:
		return nil
	}
	return errors.New("unknown operation")
}

// columns are the fields in their order; operations name them or count them.
var columns = []string{"id", "name", "stock"}

// assignments makes the SET clause of operations. Each works on a field of its own,
// so that all see the row as it was, as in SQL.
func assignments(c cdc.Change) (set string, args []any, err error) {
	var list []string
	seen := map[string]bool{}
	for _, op := range c.Ops {
		column, err := columnOf(c, op)
		if err != nil {
			return "", nil, err
		}
		if seen[column] {
			return "", nil, fmt.Errorf("two operations on the field %s: this program has no SQL for that", column)
		}
		seen[column] = true
		switch op.Code {
		case '=':
			list = append(list, column+" = ?")
		case '+', '-':
			list = append(list, fmt.Sprintf("%s = goods.%s %c ?", column, column, op.Code))
		default:
			return "", nil, fmt.Errorf("operation %v: this program has no SQL for it", op)
		}
		args = append(args, op.Args[0])
	}
	if len(list) == 0 {
		return "id = goods.id", nil, nil
	}
	return strings.Join(list, ", "), args, nil
}

func columnOf(c cdc.Change, op cdc.Operation) (string, error) {
	at := op.Field
	if op.Path != "" {
		var ok bool
		if at, ok = c.Space.Format.Index(op.Path); !ok {
			return "", fmt.Errorf("the space has no field %q", op.Path)
		}
	}
	if at < 0 {
		at += len(columns)
	}
	if at < 0 || at >= len(columns) {
		return "", fmt.Errorf("the table has no column for field %d", op.Field)
	}
	return columns[at], nil
}
