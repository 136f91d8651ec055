package box

import "time"

// infoAnswer is box.info as it is sent: durations are numbers of seconds, and
// names depend on the version.
type infoAnswer struct {
	Version, Package, Hostname string

	ID         uint64
	UUID, Name string

	Status   string
	RO       bool
	ROReason string
	PID      int
	Uptime   seconds
	Listen   any // an address or a list of them

	LSN, Signature int64
	VClock         map[uint64]int64
	SchemaVersion  uint64

	Cluster, Replicaset struct{ UUID, Name string }

	Replication map[uint64]replicaAnswer
	Election    *electionAnswer
}

type replicaAnswer struct {
	ID                   uint64
	UUID, Name           string
	LSN                  int64
	Upstream, Downstream *flowAnswer
}

type flowAnswer struct {
	Status, Peer           string
	Idle, Lag              seconds
	VClock                 map[uint64]int64
	Message, SystemMessage string
}

type electionAnswer struct {
	State              string
	Term, Vote, Leader uint64
	LeaderName         string
	LeaderIdle         seconds
}

// seconds is a duration as Lua has it.
type seconds float64

func (s seconds) duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

func (a *infoAnswer) info() InstanceInfo {
	info := InstanceInfo{
		Version: a.Version, Package: a.Package, Hostname: a.Hostname,
		ID: a.ID, UUID: a.UUID, Name: a.Name,
		Status: a.Status, RO: a.RO, ROReason: a.ROReason, PID: a.PID, Uptime: a.Uptime.duration(), Listen: addresses(a.Listen),
		LSN: a.LSN, Signature: a.Signature, VClock: a.VClock, SchemaVersion: a.SchemaVersion,
		ReplicasetUUID: a.Replicaset.UUID, ReplicasetName: a.Replicaset.Name, ClusterName: a.Cluster.Name,
	}
	if a.Cluster.UUID != "" { // before 3.0 it is the replica set that is called a cluster
		info.ReplicasetUUID = a.Cluster.UUID
	}
	info.Replication = make(map[uint64]Replica, len(a.Replication))
	for id, r := range a.Replication {
		info.Replication[id] = Replica{
			ID: r.ID, UUID: r.UUID, Name: r.Name, LSN: r.LSN,
			Upstream: r.Upstream.upstream(), Downstream: r.Downstream.downstream(),
		}
	}
	if e := a.Election; e != nil {
		info.Election = &Election{
			State: e.State, Term: e.Term, Vote: e.Vote, Leader: e.Leader,
			LeaderName: e.LeaderName, LeaderIdle: e.LeaderIdle.duration(),
		}
	}
	return info
}

func (f *flowAnswer) upstream() *Upstream {
	if f == nil {
		return nil
	}
	return &Upstream{
		Status: f.Status, Peer: f.Peer, Idle: f.Idle.duration(), Lag: f.Lag.duration(),
		Message: f.Message, SystemMessage: f.SystemMessage,
	}
}

func (f *flowAnswer) downstream() *Downstream {
	if f == nil {
		return nil
	}
	return &Downstream{
		Status: f.Status, Idle: f.Idle.duration(), Lag: f.Lag.duration(), VClock: f.VClock,
		Message: f.Message, SystemMessage: f.SystemMessage,
	}
}

func addresses(listen any) []string {
	switch listen := listen.(type) {
	case string:
		return []string{listen}
	case []any:
		list := make([]string, 0, len(listen))
		for _, address := range listen {
			if text, ok := address.(string); ok {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}
