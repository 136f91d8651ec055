package vshardyaml_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/clustertest"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/vshard"
	"github.com/gotnt/tnt/vshard/vshardyaml"
)

// The configuration that a real cluster was started with leads to it.
func TestRealCluster(t *testing.T) {
	text, err := os.ReadFile("testdata/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		if p.Version.Major < 3 {
			t.Skip("before 3.0 there is no declarative configuration")
		}
		_, config := clustertest.StartNamed(t, p, string(text))
		c, err := vshardyaml.Parse([]byte(config), vshardyaml.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := vshard.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		for bucket := uint32(1); bucket <= 60; bucket++ {
			got, err := vshard.One[int](t.Context(), r, vshard.Call{Bucket: bucket, Function: "math.abs", Args: []any{-int(bucket)}})
			if err != nil || got != int(bucket) {
				t.Fatal(got, err)
			}
		}
		names, err := vshard.Map[int](t.Context(), r, "math.abs", []any{-7}, vshard.MapOptions{})
		if err != nil || names["rs1"] != 7 || names["rs2"] != 7 {
			t.Errorf("%v, %v", names, err)
		}
		info := r.Info()
		if info.Again != 0 || info.ReplicaSets[0].Instances[0].Role != pool.Master || info.ReplicaSets[1].Instances[1].Role != pool.Master {
			t.Errorf("%+v", info)
		}
		moved(t, r, c)
	})
}

// moved moves a bucket, whose new place storages call by its name.
func moved(t *testing.T, r *vshard.Router, c vshard.Config) {
	t.Helper()
	conn, err := tnt.ConnectOptions(t.Context(), c.ReplicaSets[0].Instances[0].Options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bucket, err := tnt.One[uint32](t.Context(), conn, tnt.Eval{Expr: "return box.space._bucket.index.pk:min()[1]"})
	if err == nil {
		_, err = conn.Call(t.Context(), "vshard.storage.bucket_send", bucket, "rs2", map[string]any{"timeout": 5})
	}
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := r.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "math.abs", Args: []any{-1}}); err != nil {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	var e *vshard.FunctionError
	if _, err := r.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "nope"}); !errors.As(err, &e) || e.ReplicaSet != "rs2" {
		t.Error(err)
	}
}
