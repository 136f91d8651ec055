package tnt_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]tnt.Options{
		"tarantool://":                         {Address: tnt.DefaultAddress},
		"db.example":                           {Address: "db.example"},
		"db.example:3302":                      {Address: "db.example:3302"},
		":3302":                                {Address: ":3302"},
		"3302":                                 {Address: "3302"},
		"127.0.0.1:3302":                       {Address: "127.0.0.1:3302"},
		"[::1]":                                {Address: "[::1]"},
		"[::1]:3302":                           {Address: "[::1]:3302"},
		"[fe80::1%eth0]:3302":                  {Address: "[fe80::1%eth0]:3302"},
		"tarantool://[::1]:3302":               {Address: "[::1]:3302"},
		"tarantool://db.example":               {Address: "db.example"},
		"tarantool://db.example:3302":          {Address: "db.example:3302"},
		"tarantool://db.example:3302/":         {Address: "db.example:3302"},
		"tcp://db.example:3302":                {Address: "db.example:3302"},
		"/run/tarantool.sock":                  {Address: "/run/tarantool.sock"},
		"./tarantool.sock":                     {Address: "./tarantool.sock"},
		"/run/a@b.sock?max_frame=3":            {Address: "/run/a@b.sock", MaxFrame: 3},
		"./a@b.sock":                           {Address: "./a@b.sock"},
		"unix:@abstract":                       {Address: "unix:@abstract"},
		"tarantool:///run/a@b.sock":            {Address: "/run/a@b.sock"},
		"alice:s3cret@/run/a@b.sock":           {Address: "b.sock", User: "alice", Password: "s3cret@/run/a"}, // as a password may be
		"unix:/run/tarantool.sock":             {Address: "unix:/run/tarantool.sock"},
		"unix/:/run/tarantool.sock":            {Address: "unix/:/run/tarantool.sock"},
		"unix:///run/tarantool.sock":           {Address: "unix:/run/tarantool.sock"},
		"tarantool:///run/tarantool.sock":      {Address: "/run/tarantool.sock"},
		"alice@db.example":                     {Address: "db.example", User: "alice"},
		"alice:s3cret@db.example:3302":         {Address: "db.example:3302", User: "alice", Password: "s3cret"},
		"alice:s3cret@":                        {Address: tnt.DefaultAddress, User: "alice", Password: "s3cret"},
		"alice:s3cret@unix/:/run/x.sock":       {Address: "unix/:/run/x.sock", User: "alice", Password: "s3cret"},
		"alice:a:b@db.example":                 {Address: "db.example", User: "alice", Password: "a:b"},
		"alice:p@ss@db.example":                {Address: "db.example", User: "alice", Password: "p@ss"},
		"alice:p%40@db.example":                {Address: "db.example", User: "alice", Password: "p%40"}, // no URL, no encoding
		"alice:p?w:/@db.example:1?max_frame=3": {Address: "db.example:1", User: "alice", Password: "p?w:/", MaxFrame: 3},
		"alice:a://b@db.example":               {Address: "db.example", User: "alice", Password: "a://b"},
		"tarantool://alice:p/w@db.example":     {Address: "db.example", User: "alice", Password: "p/w"},
		"tarantool://alice:p%40ss@db.example":  {Address: "db.example", User: "alice", Password: "p@ss"},
		"tarantool://a%3Ab:c@db.example":       {Address: "db.example", User: "a:b", Password: "c"},
		"tarantool://alice:s3cret@[::1]:3302":  {Address: "[::1]:3302", User: "alice", Password: "s3cret"},
		"db.example?connect_timeout=500ms&reconnect_interval=never": {
			Address: "db.example", ConnectTimeout: 500 * time.Millisecond, ReconnectInterval: tnt.Never,
		},
		"tarantool://db.example?request_timeout=1s&ping_interval=2s&dead_after=3s": {
			Address: "db.example", RequestTimeout: time.Second, PingInterval: 2 * time.Second, DeadAfter: 3 * time.Second,
		},
		"db.example?connect_once=true&wait_connected=1&no_schema=t&no_schema_refetch=true&tuple_formats=true&allow_plain_password=true": {
			Address: "db.example", ConnectOnce: true, WaitConnected: true, NoSchema: true, NoSchemaRefetch: true, TupleFormats: true, AllowPlainPassword: true,
		},
		"db.example?max_nesting=1000&max_pushes=5": {Address: "db.example", MaxNesting: 1000, MaxPushes: 5},
		"db.example?read_buffer=1&write_buffer=2&max_frame=3&max_request=4&auth=pap-sha256": {
			Address: "db.example", ReadBuffer: 1, WriteBuffer: 2, MaxFrame: 3, MaxRequest: 4, Auth: "pap-sha256",
		},
	} {
		got, err := tnt.ParseURL(url)
		if err != nil {
			t.Errorf("%q: %v", url, err)
			continue
		}
		equal(t, url, got.GoString()+got.Password, want.GoString()+want.Password)
		got.TLS, want.TLS = nil, nil
		equal(t, url, got, want)
		if _, err := tnt.New(got); err != nil {
			t.Errorf("%q can't be used: %v", url, err)
		}
	}
}

func TestParseURLWithTLS(t *testing.T) {
	for url, name := range map[string]string{
		"tarantools://db.example": "db.example", "tls://db.example:3302": "db.example", "tarantools://alice:x@db.example:3302": "db.example",
		"tarantools://[::1]:3302": "::1", "tarantools://db.example/": "db.example",
	} {
		opts, err := tnt.ParseURL(url)
		if err != nil || opts.TLS == nil || opts.TLS.ServerName != name {
			t.Errorf("%s: %v, %+v", url, err, opts.TLS)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                                 "empty",
		"http://db.example":                `unknown scheme "http"`,
		"://db.example":                    "scheme",
		"db.example:":                      "port",
		"db.example:0":                     "port",
		"db.example:65536":                 "port",
		"db.example:-1":                    "port",
		"db.example:http":                  "port",
		"0":                                "port",
		"::1":                              "brackets",
		"::1:3301":                         "brackets",
		"[::1":                             "[::1",
		"[::1]x":                           "host:port",
		"unix:":                            "path",
		"unix://":                          "path",
		"@db.example":                      "user",
		":x@db.example":                    "user",
		"tarantool://alice:p?w@db.example": "%3F",
		"tarantool://alice%zz@db.example":  "percent-encoding",
		"tarantool://db.example/path":      "host",
		"db example":                       "host",
		"db.example?nothing=1":             `unknown parameter "nothing": there are allow_plain_password, auth, `,
		"db.example?connect_timeout=1":     "connect_timeout",
		"db.example?connect_timeout=-1s":   "connect_timeout",
		"db.example?connect_timeout=0s":    "connect_timeout",
		"db.example?connect_once=maybe":    "connect_once",
		"db.example?max_frame=0":           "max_frame",
		"db.example?max_frame=1e9":         "max_frame",
		"db.example?max_nesting=-1":        "max_nesting",
		"db.example?max_nesting=0":         "max_nesting",
		"db.example?%zz=1":                 "parameters",
	} {
		opts, err := tnt.ParseURL(url)
		failsWith(t, url, err, want)
		if err != nil && (opts.Address != "" || !strings.HasPrefix(err.Error(), "tnt: ")) {
			t.Errorf("%s: %v, %v", url, opts, err)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	tooMuch := uint64(2 << 30) // no int, where that has 32 bits: then it is negative
	for what, opts := range map[string]tnt.Options{
		"Options.MaxFrame is":           {MaxFrame: int(tooMuch)},
		"password without a user":       {Password: "x"},
		"unknown authentication method": {User: "x", Auth: "md5"},
		"MaxFrame is negative":          {MaxFrame: -1},
		"is a URL":                      {Address: "tarantool://host:3301"},
		"tnt: Options.Address":          {Address: "host:3301?connect_once=true"},
		"port":                          {Address: "host:port"},
		"use ParseURL":                  {Address: "alice:s3cret@host:3301"},
	} {
		_, err := tnt.New(opts)
		failsWith(t, what, err, what)
	}
}

func TestOptionsDefaults(t *testing.T) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := conn.Options()
	equal(t, "address", o.Address, "127.0.0.1:3301")
	equal(t, "connect timeout", o.ConnectTimeout, 3*time.Second)
	equal(t, "reconnect interval", o.ReconnectInterval, time.Second/3)
	equal(t, "ping interval", o.PingInterval, 5*time.Second)
	equal(t, "request timeout", o.RequestTimeout, time.Duration(0))
	equal(t, "read buffer", o.ReadBuffer, 131072)
	if o.NoSchema || o.NoSchemaRefetch || o.Encoding != nil || o.User != "" || o.Password != "" {
		t.Errorf("%+v", o)
	}
	equal(t, "state", conn.State(), tnt.Disconnected)
	for i, name := range []string{"State(0)", "Connecting", "Connected", "Reconnecting", "Disconnecting", "Disconnected", "State(6)"} {
		equal(t, "a state", tnt.State(i).String(), name)
	}
}

func TestHostAndPort(t *testing.T) {
	for address, want := range map[string][2]string{
		"":                   {"127.0.0.1", "3301"},
		"db.example":         {"db.example", "3301"},
		":3302":              {"127.0.0.1", "3302"},
		"3302":               {"127.0.0.1", "3302"},
		"[::1]:3302":         {"::1", "3302"},
		"[::1]":              {"::1", "3301"},
		"/run/x.sock":        {"/run/x.sock", ""},
		"unix:/run/a:b.sock": {"/run/a:b.sock", ""},
		"unix/:/run/x.sock":  {"/run/x.sock", ""},
	} {
		conn, err := tnt.New(tnt.Options{Address: address, User: "alice", Password: "x"})
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		equal(t, address, [2]string{conn.Host(), conn.Port()}, want)
		if address != "" {
			equal(t, address, conn.Fingerprint(), "tarantool(alice@"+address+")")
			equal(t, address, conn.String(), "tnt.Conn(alice@"+address+", Disconnected)")
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"", "3301", "[::1]:3301", "tarantool://alice:s3cret@host:3301?connect_timeout=3s", "unix:///x", "a:b@unix/:/x", "tarantools://h?max_frame=1",
		"://", "@@::[", "tarantool://a%zz@h", "h:1:2", "[", "]:1", "unix:", "h?%", "tarantool://[::1%25eth0]:1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		const secret = "7h3-s3cr3t"
		for _, text := range []string{s, "u:" + secret + "@" + s, "tarantool://u:" + secret + "@" + s} {
			opts, err := tnt.ParseURL(text)
			if err != nil {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q: the error shows the password: %v", text, err)
				}
				continue
			}
			conn, err := tnt.New(opts)
			if err != nil {
				if opts.Auth != "" {
					continue // any text is taken there, and refused here
				}
				t.Fatalf("%q was taken and can't be used: %v", text, err)
			}
			if host, port := conn.Host(), conn.Port(); port != "" {
				if again, err := tnt.ParseURL(net.JoinHostPort(host, port)); err != nil {
					t.Errorf("%q gave %q and %q, which are not taken: %v, %v", text, host, port, again, err)
				}
			}
		}
	})
}
