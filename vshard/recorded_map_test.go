package vshard_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/vshard"
)

// replayMap gives the line to a Map, as the answer of one storage to one service.
func (s *storages) replayMap(t *testing.T, l recordedtest.Line, args []any) string {
	t.Helper()
	at := s.at(l)
	at.becomeMaster()
	service, _ := args[0].(string)
	function, opts := "f", vshard.MapOptions{}
	switch service {
	case "storage_map":
		function = args[2].(string)
	case "storage_ref_make_with_buckets":
		for _, b := range args[3].([]any) {
			opts.Buckets = append(opts.Buckets, uint32(b.(int64)))
			s.pretend(uint32(b.(int64)), at.set)
		}
	case "storage_unref": // another storage fails
		other := s.sets[1-at.set][0]
		other.service("storage_map", once(nil, nil, map[string]any{"type": "ClientError", "code": 32, "message": "own words"}))
	}
	var then tnttest.Handler
	if service == "storage_ref_make_with_buckets" {
		then = at.serve
	}
	h, answered := l.Handler(then)
	at.service(service, func(c *tnttest.Call) ([]any, error) {
		if strings.HasPrefix(service, "storage_ref") { // seconds, of the one that there is
			if seconds, err := tnttest.Arg[float64](c, 2); err != nil || seconds <= 0 || seconds > 1 {
				t.Errorf("line %d: a ref for %v, %v", l.N, seconds, err)
			}
		}
		return h(c)
	})
	r, err := vshard.Open(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	got, err := vshard.Map[any](ctx, r, function, nil, opts)
	if answered() == 0 {
		return fmt.Sprintf("the answer was not asked for: %v", err)
	}
	return holdMap(l, service, s.config.ReplicaSets[at.set].ID(), got, err)
}

func holdMap(l recordedtest.Line, service, set string, got map[string]any, err error) string {
	values, raised := l.Values()
	var where *vshard.MapError
	var own *tnt.Error
	var sharding *vshard.Error
	var function *vshard.FunctionError
	m, _ := values1(values).(map[string]any)
	switch {
	case service == "storage_unref":
		if !errors.As(err, &function) || function.Err.Message != "own words" {
			return fmt.Sprintf("got %v, want the other storage's error", err)
		}
	case raised != nil:
		if !errors.As(err, &own) || own.Message != raised.Message {
			return fmt.Sprintf("got %v, want %v", err, raised)
		}
	case values[0] == nil && m["type"] == "ShardingError":
		if !errors.As(err, &where) || where.ReplicaSet != set || !errors.As(err, &sharding) || sharding.Name != m["name"] || sharding.Reason != m["reason"] {
			return fmt.Sprintf("got %v, want %v", err, m)
		}
	case values[0] == nil:
		if !errors.As(err, &function) || function.Err.Message != m["message"] {
			return fmt.Sprintf("got %v, want %v", err, m)
		}
	case err != nil:
		return fmt.Sprintf("got %v, want %v", err, values)
	case service == "storage_map" && !reflect.DeepEqual(got[set], values1(values)):
		return fmt.Sprintf("got %v, want %v", got[set], values)
	}
	return ""
}

// values1 is the second value, nil where there is none.
func values1(values []any) any {
	if len(values) < 2 {
		return nil
	}
	return values[1]
}
