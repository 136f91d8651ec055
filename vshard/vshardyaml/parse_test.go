package vshardyaml

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
)

func TestParse(t *testing.T) {
	data, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Buckets != 100 || len(c.ReplicaSets) != 2 {
		t.Fatalf("%+v", c)
	}
	one, two := c.ReplicaSets[0], c.ReplicaSets[1]
	if one.Name != "rs1" || one.UUID != "cbf06940-0790-498b-948d-042b62cf3d29" || two.Name != "rs2" || two.UUID != "" {
		t.Errorf("%+v", c.ReplicaSets)
	}
	for i, want := range []struct {
		name, address string
	}{
		{"s1a", "s1a.example:3301"},
		{"s1b", "other.example:3305"},
		{"s2a", "unix:/run/rs2-s2a.sock"},
		{"s2b", "s2b.example:3301"},
	} {
		got := c.ReplicaSets[i/2].Instances[i%2]
		if got.Name != want.name || got.Options.Address != want.address ||
			got.Options.User != "storage" || got.Options.Password != "hush" {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	c, err = Parse(data, Options{User: "client", Client: true})
	if err != nil {
		t.Fatal(err)
	}
	if o := c.ReplicaSets[1].Instances[1].Options; o.Address != "s2b.public:3301" || o.User != "client" || o.Password != "secret" {
		t.Errorf("%+v", o)
	}
}

func TestParseRefuses(t *testing.T) {
	const cluster = "sharding: {roles: [storage]}\ngroups: {g: {replicasets: {r: {instances: {i: %}}}}}\n"
	for text, want := range map[string]string{
		"a: [":                               "vshardyaml",
		"conditional: []":                    "conditional",
		"groups: {}":                         "role storage",
		"sharding: {bucket_count: many}\n":   "bucket_count",
		strings.Replace(cluster, "%", "", 1): "no address",
		strings.Replace(cluster, "%", "{iproto: {listen: [{uri: '0.0.0.0:1'}]}}", 1):                                                                        "no address",
		strings.Replace(cluster, "%", "{iproto: {listen: [{uri: '{{ x }}:1'}]}}", 1):                                                                        "unknown variable",
		strings.Replace(cluster, "%", "{iproto: {listen: [{uri: 'h:1', params: {transport: ssl}}]}}", 1):                                                    "TLS",
		strings.Replace(cluster, "%", "{credentials: {users: {u: {password: 12345}}}, iproto: {advertise: {peer: {login: u}}, listen: [{uri: 'h:1'}]}}", 1): "credentials.users.u.password is no text",
		strings.Replace(cluster, "%", "{iproto: {advertise: {peer: {uri: 3301}}}}", 1):                                                                      "iproto.advertise.peer.uri is no text",
	} {
		if _, err := Parse([]byte(text), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	text := strings.Replace(cluster, "%", "{iproto: {listen: [{uri: 'h:1', params: {transport: ssl}}]}}", 1)
	c, err := Parse([]byte(text), Options{Instance: func(_ string, o *tnt.Options) { o.TLS = &tls.Config{ServerName: "h"} }})
	if err != nil || c.Buckets != defaultBuckets || c.ReplicaSets[0].Instances[0].Options.TLS == nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add("groups: {g: {replicasets: {r: {instances: [1]}}}}")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = Parse([]byte(text), Options{}) })
}
