package tnt_test

import (
	"strings"
	"testing"

	"github.com/gotnt/tnt"
)

func TestParseURLs(t *testing.T) {
	for _, test := range []struct {
		url  string
		want []string // user@address of each
	}{
		{"tarantool://u:p@a:3301,b:3302,[::1]:3303/?connect_timeout=2s", []string{"u@a:3301", "u@b:3302", "u@[::1]:3303"}},
		{"u:p@a,b:1", []string{"u@a", "u@b:1"}},
		{"a:1,b:2?no_schema=true", []string{"a:1", "b:2"}},
		{"u:p?x,y@a:1,b:2", []string{"u@a:1", "u@b:2"}},
		{"tarantool://u:p%40,x@a:1,b:2", []string{"u@a:1", "u@b:2"}},
		{"one:3301", []string{"one:3301"}},
		{"tarantool://", []string{tnt.DefaultAddress}},
		{"unix:///run/a,b.sock", []string{"unix:/run/a,b.sock"}},
		{"/run/a,b.sock", []string{"/run/a,b.sock"}},
		{"tarantool://u:p@/run/a,b.sock", []string{"u@/run/a,b.sock"}},
		{"/run/a.sock,/run/b.sock?no_schema=true", []string{"/run/a.sock", "/run/b.sock"}},
		{"unix:///run/a.sock,/run/b,c.sock", []string{"unix:/run/a.sock,/run/b,c.sock"}},
		{"unix:///run/a.sock,/run/b.sock", []string{"unix:/run/a.sock", "unix:/run/b.sock"}},
		{"tarantool://u:p@/run/a.sock,./b.sock", []string{"u@/run/a.sock", "u@./b.sock"}},
	} {
		all, err := tnt.ParseURLs(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		var got []string
		for _, o := range all {
			got = append(got, o.String())
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s: got %q, want %q", test.url, got, test.want)
		}
	}
	all, err := tnt.ParseURLs("tarantool://u:s3cret@a,b/?wait_connected=true")
	if err != nil || len(all) != 2 || !all[1].WaitConnected || all[1].Password != "s3cret" {
		t.Errorf("parameters and the password are those of all hosts: %v, %v", all, err)
	}
}

func TestParseURLsRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                                  "empty",
		"tarantool://u:s3cret@a:1,,b:2":     "one of its hosts is empty",
		"tarantool://u:s3cret@a:1,b:2,a:1":  "twice",
		"tarantool://u:s3cret@a:1,b:70000":  "no port",
		"tarantool://u:s3cret@a:1,b:1/?x=1": "unknown parameter",
	} {
		all, err := tnt.ParseURLs(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", url, all, err, want)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error holds the password: %v", url, err)
		}
	}
}
