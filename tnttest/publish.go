package tnttest

import (
	"github.com/google/uuid"

	"github.com/gotnt/tnt/internal/mp"
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
	m := s.member
	var members []byte
	members = mp.AppendArrayLen(members, len(m.set.members))
	var first uuid.UUID
	for i, o := range m.set.members {
		if i == 0 {
			first = o.srv.uuid
		}
		members = mp.AppendString(members, o.srv.uuid.String())
	}
	gc := m.vclock
	if m.id == 1 {
		gc = nil
	}
	b := mp.AppendMapLen(nil, 1)
	b = mp.AppendMapLen(mp.AppendUint(b, keyBallot), 9)
	b = mp.AppendBool(mp.AppendUint(b, ballotIsROCfg), m.roCfg)
	b = mp.AppendBool(mp.AppendUint(b, ballotIsRO), m.readOnly())
	b = mp.AppendBool(mp.AppendUint(b, ballotIsAnon), false)
	b = mp.AppendBool(mp.AppendUint(b, ballotIsBooted), true)
	b = appendVClock(mp.AppendUint(b, ballotVClock), m.vclock)
	b = appendVClock(mp.AppendUint(b, ballotGCVClock), gc)
	b = mp.AppendBool(mp.AppendUint(b, ballotCanLead), m.elects())
	b = mp.AppendString(mp.AppendUint(b, ballotBootLeader), first.String())
	b = append(mp.AppendUint(b, ballotRegisteredIDs), members...)
	s.broadcast("internal.ballot", b)
}

func appendVClock(b []byte, vclock map[uint32]uint64) []byte {
	b = mp.AppendMapLen(b, len(vclock))
	for _, id := range idsOf(vclock) {
		b = mp.AppendUint(mp.AppendUint(b, uint64(id)), vclock[id])
	}
	return b
}
