package tnttest

import (
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/types"
)

// standing is what a server tells of its place: a lone server's, or a member's
// of a replica set.
type standing struct {
	id, leader  uint32
	ro, roCfg   bool
	role        role
	term        uint64
	name        string // "" for none, as are those of the next two
	set, domain string
}

func (s *Server) standing() standing {
	m := s.member
	if m == nil {
		return standing{id: 1, role: follower, term: 1}
	}
	st := standing{
		id: m.id, leader: m.leader, ro: m.readOnly(), roCfg: m.roCfg, role: m.role, term: m.term,
	}
	if s.opts.instanceNames {
		st.name, st.set, st.domain = m.name, "replicaset", "cluster"
	}
	return st
}

// publishState sets the events that every server has.
func (s *Server) publishState() {
	s.publishID()
	s.publishStatus()
	s.publishElection()
	s.publishSchema()
	if s.opts.version.AtLeast(3, 8, 0) {
		s.broadcast("box.wal_error", mp.AppendMapLen(nil, 0))
	}
	if s.member != nil {
		s.publishBallot()
	}
}

// publishID sets box.id: who the server is. Names came with 3.0.
func (s *Server) publishID() {
	st := s.standing()
	var m pairs
	m.raw("id", mp.AppendUint(nil, uint64(st.id)))
	m.raw("instance_uuid", mp.AppendUUID(nil, s.uuid))
	named := s.opts.version.AtLeast(3, 0, 0)
	if named {
		m.raw("instance_name", nameOrNil(st.name))
	}
	m.raw("replicaset_uuid", mp.AppendUUID(nil, s.replicaset))
	if named {
		m.raw("replicaset_name", nameOrNil(st.set))
		m.raw("cluster_name", nameOrNil(st.domain))
	}
	s.broadcast("box.id", m.appendTo(nil))
}

func nameOrNil(name string) []byte {
	if name == "" {
		return mp.AppendNil(nil)
	}
	return mp.AppendString(nil, name)
}

// publishStatus sets box.status: whether the server takes writes.
func (s *Server) publishStatus() {
	st := s.standing()
	var m pairs
	m.bool("is_ro", st.ro)
	m.bool("is_ro_cfg", st.roCfg)
	m.string("status", "running")
	m.string("dd_version", s.opts.version.String())
	s.broadcast("box.status", m.appendTo(nil))
}

// publishElection sets box.election: who leads, by this server's knowledge.
func (s *Server) publishElection() {
	st := s.standing()
	var m pairs
	m.raw("term", mp.AppendUint(nil, st.term))
	m.string("role", string(st.role))
	m.bool("is_ro", st.ro)
	m.raw("leader", mp.AppendUint(nil, uint64(st.leader)))
	s.broadcast("box.election", m.appendTo(nil))
}

// publishSchema tells the version of the schema.
func (s *Server) publishSchema() {
	s.schemaVersion.Store(s.engine.SchemaVersion())
	var m pairs
	m.raw("version", mp.AppendUint(nil, s.engine.SchemaVersion()))
	s.broadcast("box.schema", m.appendTo(nil))
}

// The keys of a ballot, by src/box/iproto_constants.h of Tarantool's sources.
const (
	keyBallot           = 0x29
	ballotIsROCfg       = 1
	ballotVClock        = 2
	ballotGCVClock      = 3
	ballotIsRO          = 4
	ballotIsAnon        = 5
	ballotIsBooted      = 6
	ballotCanLead       = 7
	ballotBootLeader    = 8
	ballotRegisteredIDs = 9
)

// publishBallot sets internal.ballot of a member: what its peers choose a
// leader by at the bootstrap.
func (s *Server) publishBallot() {
	gc := s.changes.vclock
	if s.member.id == 1 {
		gc = types.VClock{}
	}
	b := mp.AppendUint(mp.AppendMapLen(nil, 1), keyBallot)
	s.broadcast("internal.ballot", append(b, s.ballot(gc)...))
}

// ballot is what the server says of itself to who asks for a vote; gc is where
// its log begins. Before 2.10 it says less.
func (s *Server) ballot(gc types.VClock) []byte {
	st := s.standing()
	whole := since2x10(s.opts.version)
	b := mp.AppendMapLen(nil, 4)
	if whole {
		b = mp.AppendMapLen(nil, 9)
	}
	b = mp.AppendBool(mp.AppendUint(b, ballotIsROCfg), st.roCfg)
	b = mp.AppendBool(mp.AppendUint(b, ballotIsRO), st.ro)
	if whole {
		b = mp.AppendBool(mp.AppendUint(b, ballotIsAnon), false)
		b = mp.AppendBool(mp.AppendUint(b, ballotIsBooted), true)
	}
	b = replication.AppendVClock(mp.AppendUint(b, ballotVClock), s.changes.vclock)
	b = replication.AppendVClock(mp.AppendUint(b, ballotGCVClock), gc)
	if !whole {
		return b
	}
	members, elects := []*Server{s}, false
	if m := s.member; m != nil {
		members, elects = m.set.Instances(), m.elects()
	}
	b = mp.AppendBool(mp.AppendUint(b, ballotCanLead), elects)
	b = mp.AppendString(mp.AppendUint(b, ballotBootLeader), members[0].uuid.String())
	b = mp.AppendArrayLen(mp.AppendUint(b, ballotRegisteredIDs), len(members))
	for _, o := range members {
		b = mp.AppendString(b, o.uuid.String())
	}
	return b
}
