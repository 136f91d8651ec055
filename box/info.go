package box

import (
	"context"
	"time"

	"github.com/gotnt/tnt"
)

// InstanceInfo is what box.info tells of an instance. What the server's version
// lacks, or has no value for, is zero.
type InstanceInfo struct {
	Version  string // with the build, such as "3.8.0-0-gdce7be8a792"
	Package  string // "Tarantool", or "Tarantool Enterprise"
	Hostname string // since 3.0

	ID   uint64 // number in the replica set, from 1 on; 0 for an anonymous replica
	UUID string
	Name string // since 3.0

	Status   string // "loading", "running", "orphan" or "hot_standby"
	RO       bool   // whether it refuses to write
	ROReason string // why it does: "config", "election", "synchro" or "orphan"; since 2.10
	PID      int
	Uptime   time.Duration // in whole seconds
	Listen   []string      // addresses

	LSN           int64            // of the instance's own last change, -1 for an anonymous replica
	Signature     int64            // the sum of VClock
	VClock        map[uint64]int64 // LSN by the number of the instance
	SchemaVersion uint64           // since 2.11

	ReplicasetUUID string
	ReplicasetName string // since 3.0
	ClusterName    string // since 3.0

	Replication map[uint64]Replica // by the number of the instance, this one included
	Election    *Election          // nil before 2.6.1
}

// Replica is what an instance knows of one of its replica set.
type Replica struct {
	ID         uint64
	UUID       string
	Name       string // since 3.0
	LSN        int64
	Upstream   *Upstream   // nil where the instance does not read from it
	Downstream *Downstream // nil where it does not read from the instance
}

// Upstream is the way of changes from a replica to the instance.
type Upstream struct {
	Status        string // "follow" where all is well; "connect", "auth", "sync", "stopped", "disconnected", ...
	Peer          string // address
	Idle          time.Duration
	Lag           time.Duration
	Message       string // the last error
	SystemMessage string // and that of the operating system
}

// Downstream is the way of changes from the instance to a replica.
type Downstream struct {
	Status        string // "follow" or "stopped"
	Idle          time.Duration
	Lag           time.Duration
	VClock        map[uint64]int64
	Message       string // the last error
	SystemMessage string // and that of the operating system
}

// Election is the state of the election of a leader.
type Election struct {
	State      string // "leader", "follower" or "candidate"
	Term       uint64
	Vote       uint64 // number of the instance that it votes for, 0 for none
	Leader     uint64 // number of the leader, 0 for none
	LeaderName string
	LeaderIdle time.Duration // since the leader was heard of
}

// Info asks an instance what box.info tells. The result is the caller's.
func Info(ctx context.Context, ex tnt.Executor) (InstanceInfo, error) {
	answer, err := tnt.One[infoAnswer](ctx, ex, tnt.Call{Function: "box.info"})
	if err != nil {
		return InstanceInfo{}, err
	}
	return answer.info(), nil
}
