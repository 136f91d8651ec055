package box_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

func TestInfo(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		ctx, conn := testContext(t), s.admin(t)
		info, err := box.Info(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		is3 := s.version.AtLeast(3, 0, 0)
		for what, ok := range map[string]bool{
			"version":     strings.HasPrefix(info.Version, s.version.String()),
			"package":     info.Package != "",
			"status":      info.Status == "running" && !info.RO && info.ROReason == "",
			"id":          info.ID == 1,
			"uuid":        info.UUID == conn.InstanceUUID(),
			"listen":      len(info.Listen) == 1 && info.Listen[0] == s.address,
			"uptime":      info.Uptime >= time.Second && info.Uptime < time.Minute,
			"pid":         info.PID > 0,
			"lsn":         info.LSN > 0 && info.Signature == info.LSN && info.VClock[1] == info.LSN,
			"replicaset":  len(info.ReplicasetUUID) == 36 && info.ReplicasetUUID != info.UUID,
			"replication": reflect.DeepEqual(info.Replication, map[uint64]box.Replica{1: {ID: 1, UUID: info.UUID, LSN: info.LSN}}),
			"election":    (info.Election != nil) == is3 && (!is3 || info.Election.State == "follower"),
			"schema":      (info.SchemaVersion > 0) == is3,
		} {
			if !ok {
				t.Errorf("%s: %+v", what, info)
			}
		}
		before := info.LSN
		if _, err := conn.Insert(ctx, "tester", []any{1}); err != nil {
			t.Fatal(err)
		}
		if info, err = box.Info(ctx, conn); err != nil || info.LSN != before+1 {
			t.Errorf("after a change the LSN is %d, was %d: %v", info.LSN, before, err)
		}
	})
}

// What a member of a replica set tells, by an answer made up.
func TestInfoOfReplicaSet(t *testing.T) {
	srv := tnttest.Run(t)
	srv.Handle("box.info", func(*tnttest.Call) ([]any, error) {
		return []any{map[string]any{
			"version": "3.8.0-0-g1", "ro": true, "ro_reason": "election", "name": "i-1", "lsn": -1, "id": nil, "uptime": 90,
			"hostname": "host", "listen": []string{"127.0.0.1:1", "127.0.0.1:2"}, "sql": []any{}, "vclock": map[uint64]any{0: 7, 2: 9},
			"replicaset": map[string]any{"uuid": "r-1", "name": "rs"}, "cluster": map[string]any{"name": "cl"},
			"election": map[string]any{"state": "follower", "term": 3, "vote": 2, "leader": 2, "leader_name": "i-2", "leader_idle": 0.5},
			"replication": map[uint64]any{2: map[string]any{
				"id": 2, "uuid": "u-2", "name": "i-2", "lsn": 9,
				"upstream":   map[string]any{"status": "stopped", "peer": "127.0.0.1:2", "idle": 1.5, "lag": 2, "message": "m", "system_message": "s"},
				"downstream": map[string]any{"status": "follow", "idle": 0.25, "lag": 0, "vclock": map[uint64]any{2: 9}},
			}},
		}}, nil
	})
	conn := server{address: srv.Addr()}.connect(t, "", "")
	got, err := box.Info(testContext(t), conn)
	want := box.InstanceInfo{
		Version: "3.8.0-0-g1", RO: true, ROReason: "election", Name: "i-1", LSN: -1, Uptime: 90 * time.Second,
		Hostname: "host", Listen: []string{"127.0.0.1:1", "127.0.0.1:2"}, VClock: map[uint64]int64{0: 7, 2: 9},
		ReplicasetUUID: "r-1", ReplicasetName: "rs", ClusterName: "cl",
		Election: &box.Election{State: "follower", Term: 3, Vote: 2, Leader: 2, LeaderName: "i-2", LeaderIdle: time.Second / 2},
		Replication: map[uint64]box.Replica{2: {
			ID: 2, UUID: "u-2", Name: "i-2", LSN: 9,
			Upstream: &box.Upstream{
				Status: "stopped", Peer: "127.0.0.1:2", Idle: 1500 * time.Millisecond, Lag: 2 * time.Second, Message: "m", SystemMessage: "s",
			},
			Downstream: &box.Downstream{Status: "follow", Idle: time.Second / 4, VClock: map[uint64]int64{2: 9}},
		}},
	}
	if !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestInfoFails(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithRestrictedGuest())
	conn := server{address: srv.Addr()}.connect(t, "", "")
	var re *tnt.RequestError
	if _, err := box.Info(testContext(t), conn); !errors.Is(err, errcode.AccessDenied) || !errors.As(err, &re) {
		t.Errorf("without the right to: %v", err)
	}
	srv.Handle("box.info", func(*tnttest.Call) ([]any, error) { return []any{"text"}, nil })
	if _, err := box.Info(testContext(t), server{address: tnttest.Run(t).Addr()}.connect(t, "", "")); err != nil {
		t.Errorf("by guest with all rights: %v", err)
	}
}
