package tnt

import (
	"context"
	"fmt"
	"maps"
	"slices"

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

// Error tells the name.
func (e *SettingError) Error() string {
	return fmt.Sprintf("the server has no session setting %q", e.Name)
}

// SessionSettings returns the settings of the session by their names, such as
// "sql_full_metadata", "sql_seq_scan" or "sql_default_engine". Their
// values are bool, int64 or string. Which there are depends on the server's
// version.
func (a API) SessionSettings(ctx context.Context) (map[string]any, error) {
	type setting struct {
		Name  string
		Value any
	}
	list, err := All[setting](ctx, a.ex, Select{SpaceID: spaceSessionSettings, Iterator: iproto.IterAll})
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
// *SettingError where the server has none of that name.
func (a API) SetSessionSetting(ctx context.Context, name string, value any) error {
	rt, err := a.ex.Route(ctx)
	if err != nil {
		return requestError(setSetting(name, value), err, false)
	}
	return applySetting(ctx, name, value, NewAPI(rt).Do)
}

func setSetting(name string, value any) Update {
	return Update{SpaceID: spaceSessionSettings, Key: K(name), Ops: []Op{OpAssign(1, value)}}
}

func applySetting(ctx context.Context, name string, value any, do doFunc) error {
	req := setSetting(name, value)
	resp, err := do(ctx, req)
	if err == nil && resp.Len() == 0 {
		err = requestError(req, &SettingError{name}, true)
	}
	return err
}

// applySettings makes the options' settings those of a new session.
func (c *Conn) applySettings(ctx context.Context, do doFunc) error {
	for _, name := range slices.Sorted(maps.Keys(c.opts.SessionSettings)) {
		if err := applySetting(ctx, name, c.opts.SessionSettings[name], do); err != nil {
			return err
		}
	}
	return nil
}
