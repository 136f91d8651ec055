package tnt_test

import (
	"errors"
	"testing"

	"github.com/gotnt/tnt"
)

func TestSessionSettings(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn, other := shared(t, p), shared(t, p)
		settings, err := tnt.SessionSettings(testContext(t), conn)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{
			"sql_full_metadata": false, "sql_default_engine": "memtx",
		} {
			equal(t, name, settings[name], want)
		}
		if err := tnt.SetSessionSetting(testContext(t), conn, "sql_full_metadata", true); err != nil {
			t.Fatal(err)
		}
		for what, c := range map[string]struct {
			conn *tnt.Conn
			want any
		}{"set": {conn, true}, "another connection's": {other, false}} {
			settings, err := tnt.SessionSettings(testContext(t), c.conn)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, what, settings["sql_full_metadata"], c.want)
		}
		columns, err := execute(t, conn, `SELECT 1 + 2 AS "three"`).Columns()
		if err != nil || len(columns) != 1 || columns[0].Span != "1 + 2" {
			t.Errorf("full metadata: %+v, %v", columns, err)
		}
		var unknown *tnt.SettingError
		if err := tnt.SetSessionSetting(testContext(t), conn, "no_such", true); !errors.As(err, &unknown) || unknown.Name != "no_such" {
			t.Errorf("an unknown setting: %v", err)
		}
		if err := tnt.SetSessionSetting(testContext(t), conn, "sql_full_metadata", "yes"); err == nil {
			t.Error("a value of a wrong type was taken")
		}
	})
}

func TestSessionSettingsSurviveReconnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{
			Address: p.shared.Address, NoSchema: true,
			SessionSettings: map[string]any{"sql_full_metadata": true, "sql_default_engine": "vinyl"},
		})
		for range 2 {
			settings, err := tnt.SessionSettings(testContext(t), conn)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "metadata", settings["sql_full_metadata"], true)
			equal(t, "engine", settings["sql_default_engine"], "vinyl")
			if err := conn.Reconnect(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := tnt.ConnectOptions(testContext(t), tnt.Options{
			Address: p.shared.Address, ConnectOnce: true, SessionSettings: map[string]any{"no_such": 1},
		})
		var unknown *tnt.SettingError
		if !errors.As(err, &unknown) {
			t.Errorf("an unknown setting: %v", err)
		}
		// Any user may set their own, on servers where that was given to all.
		if p.Version.AtLeast(2, 8, 0) {
			connect(t, tnt.Options{
				Address: p.shared.Address, User: "alice", Password: "s3cret",
				SessionSettings: map[string]any{"sql_full_metadata": true},
			})
		}
	})
}
