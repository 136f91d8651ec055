package tnt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gotnt/tnt/iproto"
)

// Session settings are the tuples [name, value] of the space
// _session_settings (2.3 and later), which shows to each connection its own:
// they hold for one session on the server, so for a Conn until it is lost.
// Options.SessionSettings sets them again after each reconnect.

// spaceSessionSettings is BOX_SESSION_SETTINGS_ID in src/box/schema_def.h.
const spaceSessionSettings = 380

// SettingError reports a session setting that the server does not have.
type SettingError struct{ Name string }

// Error says the name.
func (e *SettingError) Error() string {
	return fmt.Sprintf("the server has no session setting %q", e.Name)
}

// SessionSettings returns the settings of the session by their names, such as
// "sql_full_metadata", "sql_seq_scan" or "sql_default_engine". Their
// values are bool, int64 or string. Which there are depends on the server's
// version.
func SessionSettings(ctx context.Context, ex Executor) (map[string]any, error) {
	type setting struct {
		Name  string
		Value any
	}
	list, err := All[setting](ctx, ex, Select{SpaceID: spaceSessionSettings, Iterator: iproto.IterAll})
	if err != nil {
		return nil, err
	}
	settings := make(map[string]any, len(list))
	for _, s := range list {
		settings[s.Name] = s.Value
	}
	return settings, nil
}

// SetSessionSetting changes a setting of the session. The error is a
// *SettingError where the server has none of that name. It holds for one session:
// on a Conn use Options.SessionSettings, or a Pinned.
func SetSessionSetting(ctx context.Context, ex Executor, name string, value any) error {
	req := setSetting(name, value)
	resp, err := Do(ctx, ex, req)
	return settingError(req, name, resp, err)
}

func setSetting(name string, value any) Update {
	return Update{SpaceID: spaceSessionSettings, Key: K(name), Ops: []Op{OpAssign(1, value)}}
}

func settingError(req Update, name string, resp Response, err error) error {
	if err == nil && resp.Len() == 0 {
		return answerError(req, &SettingError{name})
	}
	return err
}

// applySettings makes the options' settings those of a new session.
func (c *Conn) applySettings(ctx context.Context, l *live) error {
	for _, name := range slices.Sorted(maps.Keys(c.opts.SessionSettings)) {
		req := setSetting(name, c.opts.SessionSettings[name])
		resp, err := c.ask(ctx, l, req, time.Time{})
		if err := settingError(req, name, resp, err); err != nil {
			return err
		}
	}
	return nil
}
