package pool

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gotnt/tnt"
)

// Connect opens a pool by a URL with several hosts:
//
//	tarantool://app:secret@a:3301,b:3301,c:3301/?max_wait=5s&connect_timeout=1s
//
// Parameters are those of tnt.ParseURL, for each connection, and of the pool: max_wait,
// max_lag, try_for, probe (durations), connections (a number), zone and independent
// (true, false). Instances are named by their addresses. For how long it waits see Open.
func Connect(ctx context.Context, url string) (*Pool, error) {
	opts, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return Open(ctx, opts)
}

// ParseURL makes Options of a URL; see Connect. No error holds the password.
func ParseURL(s string) (Options, error) {
	var opts Options
	s, err := opts.takeParameters(s)
	if err != nil {
		return Options{}, fmt.Errorf("pool: cannot use the address: %w", err)
	}
	all, err := tnt.ParseURLs(s)
	if err != nil {
		return Options{}, err
	}
	for _, o := range all {
		opts.Instances = append(opts.Instances, Instance{Options: o})
	}
	return opts, nil
}

// takeParameters takes the pool's own parameters out of a URL.
func (o *Options) takeParameters(s string) (rest string, err error) {
	i := strings.LastIndex(s, "@") + 1
	q := strings.Index(s[i:], "?")
	if q < 0 {
		return s, nil
	}
	before, query := s[:i+q], s[i+q+1:]
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("its parameters: %w", err)
	}
	take := func(name string, set func(string) error) {
		if texts := values[name]; len(texts) > 0 && err == nil {
			if err = set(texts[len(texts)-1]); err != nil {
				err = fmt.Errorf("parameter %s: %w", name, err)
			}
		}
		values.Del(name)
	}
	for name, d := range map[string]*time.Duration{"max_wait": &o.MaxWait, "max_lag": &o.MaxLag, "try_for": &o.TryFor, "probe": &o.Probe} {
		take(name, func(text string) error { return setDuration(d, text, name == "max_wait") })
	}
	take("connections", func(text string) (err error) {
		if o.Connections, err = strconv.Atoi(text); err != nil || o.Connections < 1 {
			return fmt.Errorf("%q is no whole number above zero", text)
		}
		return nil
	})
	take("independent", func(text string) (err error) {
		if o.Independent, err = strconv.ParseBool(text); err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		return nil
	})
	take("zone", func(text string) error {
		if text == "" {
			return errors.New("it is empty")
		}
		o.Zone = text
		return nil
	})
	if rest = values.Encode(); rest != "" {
		rest = "?" + rest
	}
	return before + rest, err
}

func setDuration(d *time.Duration, text string, never bool) (err error) {
	if never && text == "never" {
		*d = tnt.Never
		return nil
	}
	if *d, err = time.ParseDuration(text); err != nil || *d <= 0 {
		return fmt.Errorf("%q is no duration above zero, such as 500ms or 3s", text)
	}
	return nil
}
