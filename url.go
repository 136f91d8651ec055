package tnt

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gotnt/tnt/internal/link"
)

// ParseURL makes Options of a URL or an address. All of these are understood:
//
//	tarantool://alice:s3cret@db.example:3301?connect_timeout=3s
//	tarantool://[::1]:3301                IPv6
//	tarantool:///var/run/tarantool.sock   a unix socket
//	unix:///var/run/tarantool.sock        the same
//	tarantools://db.example               over TLS
//	alice:s3cret@db.example:3301          Tarantool's own form
//	db.example:3301, :3301, 3301, /var/run/tarantool.sock, unix/:/var/run/x.sock
//
// Parameters after "?" are the names of fields of Options in lower case with
// underscores: connect_timeout, reconnect_interval, request_timeout,
// ping_interval, dead_after (durations such as 500ms, or "never"),
// max_reconnect_interval, connect_once, wait_connected, wait_in_flight, no_schema,
// no_schema_refetch, tuple_formats, allow_plain_password (true, false), auth,
// read_buffer, write_buffer, max_frame, max_request, max_pushes (bytes),
// max_in_flight and max_nesting.
//
// No error holds the password.
func ParseURL(s string) (Options, error) {
	opts, err := parseURL(s)
	if err != nil {
		return Options{}, fmt.Errorf("tnt: cannot use the address: %w", err)
	}
	return opts, nil
}

// ParseURLs makes Options of a URL, or an address, with several hosts, one for each
// of them in their order:
//
//	tarantool://alice:s3cret@a:3301,b:3301,c:3301/?connect_timeout=3s
//	alice:s3cret@a:3301,b:3301,c:3301
//	/run/a.sock,/run/b.sock
//
// User, password and parameters are those of all. One host gives one Options. In paths
// of unix sockets only a comma with another path behind it parts two. For the rest see
// ParseURL.
func ParseURLs(s string) ([]Options, error) {
	before, hosts, after := cutHosts(s)
	if isPath(hosts) {
		var query string
		if hosts, query, _ = strings.Cut(hosts, "?"); query != "" {
			after = "?" + query
		}
	}
	if (isPath(hosts) || strings.HasPrefix(before, "unix://")) && !arePaths(hosts) {
		opts, err := ParseURL(s)
		return []Options{opts}, err
	}
	var all []Options
	seen := map[string]bool{}
	for host := range strings.SplitSeq(hosts, ",") {
		if strings.TrimSpace(host) == "" && hosts != "" {
			return nil, errors.New("tnt: cannot use the address: one of its hosts is empty: write host:port between the commas")
		}
		opts, err := ParseURL(before + host + after)
		if err != nil {
			return nil, err
		}
		if seen[opts.Address] {
			return nil, fmt.Errorf("tnt: cannot use the address: it has the host %s twice", opts.Address)
		}
		seen[opts.Address] = true
		all = append(all, opts)
	}
	return all, nil
}

// arePaths reports whether a list is one of paths alone.
func arePaths(list string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if !isPath(item) {
			return false
		}
	}
	return true
}

// cutHosts cuts a URL or an address into what stands before its hosts, these, and
// what stands behind them.
func cutHosts(s string) (before, hosts, after string) {
	rest := s
	if scheme, behind, isURL := cutScheme(s); isURL {
		before, rest = scheme+"://", behind
	}
	if isPath(rest) {
		return before, rest, ""
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		before, rest = before+rest[:i+1], rest[i+1:]
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 && !isPath(rest) {
		return before, rest[:i], rest[i:]
	}
	return before, rest, ""
}

func parseURL(s string) (Options, error) {
	var opts Options
	if strings.TrimSpace(s) == "" {
		return opts, errors.New("it is empty: write host:port, a path of a unix socket or a URL such as tarantool://127.0.0.1:3301")
	}
	scheme, rest, isURL := cutScheme(s)
	var query string
	if isURL {
		// The user is cut off first, so that no message quotes a password.
		if rest, query, _ = strings.Cut(rest, "?"); strings.Contains(query, "@") {
			return opts, errors.New("there is a \"?\" before the \"@\": write it as %3F")
		}
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 && !isPath(rest) {
		if err := parseUser(&opts, rest[:i], isURL); err != nil {
			return opts, err
		}
		rest = rest[i+1:]
	}
	if !isURL {
		rest, query, _ = strings.Cut(rest, "?")
	}
	if isURL {
		var err error
		if rest, err = targetOfURL(scheme, rest); err != nil {
			return opts, err
		}
	}
	switch scheme {
	case "tarantool", "tcp":
	case "tarantools", "tls":
		opts.TLS = tlsFor(rest)
	case "unix":
		rest = "unix:" + rest
	default:
		return opts, fmt.Errorf("unknown scheme %q: it is tarantool, tarantools or unix", scheme)
	}
	opts.Address = rest
	if rest == "" {
		opts.Address = DefaultAddress
	}
	if _, _, err := link.SplitAddress(opts.Address); err != nil {
		return opts, err
	}
	err := parseParameters(&opts, query)
	return opts, err
}

// targetOfURL returns the host and port, or the path of a socket, that a URL leads
// to. Only a path is percent-encoded.
func targetOfURL(scheme, rest string) (string, error) {
	if scheme != "unix" && !isPath(rest) {
		return strings.TrimSuffix(rest, "/"), nil
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return "", fmt.Errorf("the path %q has an invalid percent-encoding", rest)
	}
	return path, nil
}

// cutScheme tells a URL from an address, whose password may hold anything.
func cutScheme(s string) (scheme, rest string, isURL bool) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || strings.ContainsAny(scheme, "@:?/[") {
		return "tarantool", s, false
	}
	return scheme, rest, true
}

// isPath tells a path of a socket, which may hold an "@", from what may begin with
// a user.
func isPath(s string) bool {
	for _, prefix := range []string{"/", "./", "unix:", "unix/:"} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// parseUser reads what stands before the "@". Only a URL's is percent-encoded.
func parseUser(opts *Options, s string, isURL bool) error {
	user, password, _ := strings.Cut(s, ":")
	if isURL {
		var err1, err2 error
		user, err1 = url.PathUnescape(user)
		password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return errors.New("the user or password has an invalid percent-encoding") // without it: it may be the secret
		}
	}
	if user == "" {
		return errors.New("the user before \"@\" is empty")
	}
	opts.User, opts.Password = user, password
	return nil
}

// parameter sets one field of Options from its text.
type parameter func(*Options, string) error

var parameters = map[string]parameter{
	"connect_timeout":        durationParameter(func(o *Options) *time.Duration { return &o.ConnectTimeout }),
	"reconnect_interval":     durationParameter(func(o *Options) *time.Duration { return &o.ReconnectInterval }),
	"max_reconnect_interval": durationParameter(func(o *Options) *time.Duration { return &o.MaxReconnectInterval }),
	"request_timeout":        durationParameter(func(o *Options) *time.Duration { return &o.RequestTimeout }),
	"ping_interval":          durationParameter(func(o *Options) *time.Duration { return &o.PingInterval }),
	"dead_after":             durationParameter(func(o *Options) *time.Duration { return &o.DeadAfter }),
	"connect_once":           boolParameter(func(o *Options) *bool { return &o.ConnectOnce }),
	"wait_connected":         boolParameter(func(o *Options) *bool { return &o.WaitConnected }),
	"wait_in_flight":         boolParameter(func(o *Options) *bool { return &o.WaitInFlight }),
	"no_schema":              boolParameter(func(o *Options) *bool { return &o.NoSchema }),
	"no_schema_refetch":      boolParameter(func(o *Options) *bool { return &o.NoSchemaRefetch }),
	"tuple_formats":          boolParameter(func(o *Options) *bool { return &o.TupleFormats }),
	"allow_plain_password":   boolParameter(func(o *Options) *bool { return &o.AllowPlainPassword }),
	"read_buffer":            sizeParameter(func(o *Options) *int { return &o.ReadBuffer }),
	"write_buffer":           sizeParameter(func(o *Options) *int { return &o.WriteBuffer }),
	"max_frame":              sizeParameter(func(o *Options) *int { return &o.MaxFrame }),
	"max_request":            sizeParameter(func(o *Options) *int { return &o.MaxRequest }),
	"max_in_flight":          sizeParameter(func(o *Options) *int { return &o.MaxInFlight }),
	"max_pushes":             sizeParameter(func(o *Options) *int { return &o.MaxPushes }),
	"max_nesting":            sizeParameter(func(o *Options) *int { return &o.MaxNesting }),
	"auth": func(o *Options, v string) error {
		o.Auth = v
		return nil
	},
}

func parseParameters(opts *Options, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("its parameters: %w", err)
	}
	for name, texts := range values {
		set, ok := parameters[name]
		if !ok {
			return fmt.Errorf("unknown parameter %q: there are %s", name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
		}
		if err := set(opts, texts[len(texts)-1]); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return nil
}

func durationParameter(field func(*Options) *time.Duration) parameter {
	return func(o *Options, text string) error {
		if text == "never" {
			*field(o) = Never
			return nil
		}
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no duration above zero, such as 500ms or 3s, nor \"never\"", text)
		}
		*field(o) = d
		return nil
	}
}

func boolParameter(field func(*Options) *bool) parameter {
	return func(o *Options, text string) error {
		v, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*field(o) = v
		return nil
	}
}

func sizeParameter(field func(*Options) *int) parameter {
	return func(o *Options, text string) error {
		v, err := strconv.Atoi(text)
		if err != nil || v <= 0 {
			return fmt.Errorf("%q is no whole number above zero", text)
		}
		*field(o) = v
		return nil
	}
}
