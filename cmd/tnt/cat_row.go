package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/xlog"
)

// names are those of spaces, as far as the files say.
type names struct{ spaces map[uint32]string }

func newNames() *names {
	return &names{map[uint32]string{272: "_schema", 276: "_collation", spaceSpace: "_space", 284: "_sequence", 288: "_index", 296: "_func", 304: "_user", 312: "_priv", 320: "_cluster", 330: "_truncate"}}
}

const spaceSpace = 280

// of returns the name of a space, or its id as text.
func (n *names) of(id uint32) string {
	if name := n.spaces[id]; name != "" || id == 0 {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// learn takes the name in a row of _space.
func (n *names) learn(row *xlog.Row, data *xlog.Data) {
	if data.SpaceID != spaceSpace {
		return
	}
	if space, err := schema.ParseSpace(data.Tuple); err == nil {
		n.spaces[space.ID] = space.Name
		return
	}
	// A rename is an update of field 3.
	id, _ := values(data.Key).([]any)
	ops, _ := values(data.Ops).([]any)
	if row.Type != iproto.TypeUpdate || len(id) != 1 {
		return
	}
	number, _ := id[0].(int64)
	for _, op := range ops {
		parts, _ := op.([]any)
		if len(parts) == 3 && parts[0] == "=" && (parts[1] == int64(2+data.IndexBase) || parts[1] == "name") {
			if name, ok := parts[2].(string); ok {
				n.spaces[uint32(number)] = name
			}
		}
	}
}

// beside learns of the newest snapshot in a log's directory that is not
// younger than the log. That there is none, or a broken one, only costs names.
func (n *names) beside(path string, start types.VClock) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	newest, at := "", uint64(0)
	for _, entry := range entries {
		name := filepath.Join(filepath.Dir(path), entry.Name())
		if filepath.Ext(name) != ".snap" {
			continue
		}
		r, err := xlog.Open(name)
		if err != nil {
			continue
		}
		if signature := r.Header().VClock.Signature(); signature <= start.Signature() && (newest == "" || signature >= at) {
			newest, at = name, signature
		}
		_ = r.Close() // it was only read
	}
	if newest == "" {
		return
	}
	r, err := xlog.Open(newest)
	if err != nil {
		return
	}
	defer func() { _ = r.Close() }() // it was only read
	for row, err := range r.Rows() {
		if err != nil {
			return
		}
		data, err := row.Data()
		if err != nil || data.SpaceID > spaceSpace { // they stand in the order of ids
			return
		}
		n.learn(&row, &data)
	}
}

// A printedRow is a row with the name of its space.
type printedRow struct {
	row   *xlog.Row
	data  *xlog.Data
	space string
	file  string // its type
}

func rowPrinter(format string) (func(io.Writer, *printedRow) error, error) {
	switch format {
	case "json":
		return jsonRow, nil
	case "lua":
		return luaRow, nil
	case "table":
		return tableRow, nil
	}
	return nil, fmt.Errorf("unknown --format %q: it is json, lua or table", format)
}

// rowJSON is a row as a line of JSON.
type rowJSON struct {
	Type      string `json:"type"`
	LSN       uint64 `json:"lsn,omitempty"`
	Replica   uint32 `json:"replica_id,omitempty"`
	Local     bool   `json:"local,omitempty"`
	TSN       uint64 `json:"tsn,omitempty"` // of rows of a transaction of several
	Timestamp string `json:"time,omitempty"`
	Space     string `json:"space,omitempty"`
	SpaceID   uint32 `json:"space_id,omitempty"`
	Key       any    `json:"key,omitempty"`
	Tuple     any    `json:"tuple,omitempty"`
	Ops       any    `json:"ops,omitempty"`
	Old       any    `json:"old,omitempty"`
	New       any    `json:"new,omitempty"`
	IndexBase int    `json:"index_base,omitempty"`
	Decides   any    `json:"decides,omitempty"`
	Body      any    `json:"body,omitempty"`
}

const timeForm = "2006-01-02T15:04:05.000000Z07:00"

func jsonRow(out io.Writer, p *printedRow) error {
	d := p.data
	line := rowJSON{
		Type: p.row.Type.String(), LSN: p.row.LSN, Replica: p.row.ReplicaID, Local: p.row.Local,
		Space: p.space, SpaceID: d.SpaceID, Key: values(d.Key), Tuple: values(d.Tuple), Ops: values(d.Ops),
		Old: values(d.Old), New: values(d.New), IndexBase: d.IndexBase,
	}
	if p.row.HasTSN {
		line.TSN = p.row.TSN
	}
	if t := p.row.Time(); !t.IsZero() {
		line.Timestamp = t.UTC().Format(timeForm)
	}
	if d.ReplicaID != 0 || d.LSN != 0 {
		line.Decides = map[string]any{"replica_id": d.ReplicaID, "lsn": d.LSN, "term": d.Term}
	}
	if p.file == xlog.TypeVinylPage || p.row.Type >= iproto.TypeVinylRunInfo {
		line.Body = values(p.row.Body)
	}
	text, err := jsonLine(line)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

func tableRow(out io.Writer, p *printedRow) error {
	var parts []string
	for _, raw := range [][]byte{p.data.Key, p.data.Tuple, p.data.Ops} {
		if raw != nil {
			text, err := jsonLine(values(raw))
			if err != nil {
				return err
			}
			parts = append(parts, strings.TrimSpace(text))
		}
	}
	when := "-"
	if t := p.row.Time(); !t.IsZero() {
		when = t.UTC().Format(timeForm)
	}
	_, err := fmt.Fprintf(out, "%10d  %2d  %27s  %-12v  %-20s  %s\n", p.row.LSN, p.row.ReplicaID, when, p.row.Type, p.space, strings.Join(parts, " "))
	return err
}
