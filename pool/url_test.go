package pool_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

func TestParseURL(t *testing.T) {
	o, err := pool.ParseURL("tarantool://app:s3c%3Fret@a:3301,b:3302/?max_wait=5s&connections=4&zone=x&max_lag=1s&try_for=20ms&probe=2s&independent=true&connect_timeout=7s")
	if err != nil {
		t.Fatal(err)
	}
	if o.MaxWait != 5*time.Second || o.Connections != 4 || o.Zone != "x" || o.MaxLag != time.Second || o.TryFor != 20*time.Millisecond || o.Probe != 2*time.Second || !o.Independent {
		t.Errorf("%+v", o)
	}
	if len(o.Instances) != 2 || o.Instances[1].Options.Address != "b:3302" || o.Instances[1].Options.ConnectTimeout != 7*time.Second || o.Instances[0].Options.Password != "s3c?ret" {
		t.Errorf("%+v", o.Instances)
	}
	if o, err := pool.ParseURL("app:s?x,y@a:1,b:2?max_wait=never"); err != nil || o.MaxWait != tnt.Never || len(o.Instances) != 2 || o.Instances[0].Options.Password != "s?x,y" {
		t.Errorf("%+v, %v", o, err)
	}
	for url, want := range map[string]string{
		"a,b?max_wait=-1s":            "max_wait",
		"a,b?max_lag=never":           "max_lag",
		"a,b?connections=0":           "connections",
		"a,b?zone=":                   "zone",
		"a,b?independent=perhaps":     "independent",
		"u:s3cret@a,b?nonsense=1":     "nonsense",
		"tarantool://u:s3cret@a,,b/?": "empty",
	} {
		if _, err := pool.ParseURL(url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want an error with %q", url, err, want)
		}
	}
}
