package tnttest

import (
	"os"
	"time"
)

// info is box.info, as far as there is something to tell. Older versions lack
// some of it.
func (s *Server) info() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, st := s.opts.version, s.standing()
	lsn, signature, vclock := s.changes.vclock[st.id], s.changes.vclock.Signature(), map[uint64]uint64{}
	for id, n := range s.changes.vclock {
		if n > 0 {
			vclock[uint64(id)] = n
		}
	}
	info := map[string]any{
		"version": v.String(), "package": "tnttest", "status": "running", "ro": st.ro,
		"id": st.id, "uuid": s.uuid.String(), "pid": os.Getpid(), "listen": s.listenInfo(),
		"uptime": int(s.clock.Now().Sub(s.started)/time.Second) + 1,
		"lsn":    lsn, "signature": signature, "vclock": vclock,
		"replication": s.replicationInfo(lsn), "replication_anon": map[string]any{"count": 0},
	}
	if v.AtLeast(2, 6, 1) {
		info["election"] = s.electionInfo(st)
	}
	if since2x10(v) && s.member != nil {
		m := s.member
		info["synchro"] = map[string]any{
			"quorum": m.set.quorum(),
			"queue":  map[string]any{"owner": m.queueOwner, "term": m.queueTerm, "len": 0, "busy": false},
		}
		if st.ro {
			info["ro_reason"] = m.roReason()
		}
	}
	replicaset := map[string]any{"uuid": s.replicaset.String()}
	if !v.AtLeast(3, 0, 0) {
		info["cluster"] = replicaset
		return info
	}
	replicaset["name"], info["name"] = orNil(st.set), orNil(st.name)
	info["replicaset"], info["cluster"] = replicaset, map[string]any{"name": orNil(st.domain)}
	info["schema_version"] = s.engine.SchemaVersion()
	return info
}

func orNil(name string) any {
	if name == "" {
		return nil
	}
	return name
}

// electionInfo is box.info.election.
func (s *Server) electionInfo(st standing) map[string]any {
	info := map[string]any{"state": string(st.role), "term": st.term, "vote": st.leader, "leader": st.leader}
	m := s.member
	if m == nil || !since2x10(s.opts.version) {
		return info
	}
	if l := m.set.byID(st.leader); l != nil {
		info["leader_idle"] = m.silence(l).Seconds()
		if s.opts.version.AtLeast(3, 0, 0) {
			info["leader_name"] = orNil(l.srv.standing().name)
		}
	}
	return info
}

// replicationInfo is box.info.replication: a lone server's has itself alone.
func (s *Server) replicationInfo(lsn uint64) map[uint64]any {
	named := s.opts.version.AtLeast(3, 0, 0)
	m := s.member
	if m == nil {
		self := map[string]any{"id": 1, "uuid": s.uuid.String(), "lsn": lsn}
		if named {
			self["name"] = nil
		}
		return map[uint64]any{1: self}
	}
	all := make(map[uint64]any)
	for _, o := range m.set.members {
		one := map[string]any{"id": o.id, "uuid": o.srv.uuid.String(), "lsn": m.vclock[o.id]}
		if named {
			one["name"] = orNil(o.srv.standing().name)
		}
		if o != m {
			one["upstream"], one["downstream"] = m.upstreamInfo(o), o.downstreamInfo(m)
		}
		all[uint64(o.id)] = one
	}
	return all
}

// silence is for how long the member has heard nothing of another.
func (m *member) silence(o *member) time.Duration {
	if since, silent := m.heard[o.id]; silent {
		return m.set.opts.clock.Now().Sub(since)
	}
	return 0
}

// upstreamInfo is what the member takes from another.
func (m *member) upstreamInfo(o *member) map[string]any {
	up := map[string]any{
		"status": "follow", "peer": o.address, "idle": m.silence(o).Seconds(), "lag": m.lag.Seconds(),
	}
	switch why := m.broken[o.id]; {
	case why != "":
		up["status"], up["message"] = "stopped", why
	case !linked(m, o):
		up["status"], up["message"] = "disconnected", "nothing is heard of "+o.address
		up["system_message"] = "Broken pipe"
	}
	return up
}

// downstreamInfo is what another takes from the member m.
func (m *member) downstreamInfo(from *member) map[string]any {
	if !linked(m, from) || m.broken[from.id] != "" {
		return map[string]any{"status": "stopped", "message": "unexpected EOF when reading from socket", "system_message": "Broken pipe"}
	}
	vclock := map[uint64]uint64{}
	for id, n := range m.vclock {
		vclock[uint64(id)] = n
	}
	return map[string]any{"status": "follow", "idle": 0.0, "lag": m.lag.Seconds(), "vclock": vclock}
}

// listenInfo returns the address listened on, or a list where there are more.
func (s *Server) listenInfo() any {
	switch len(s.listeners) {
	case 0:
		return nil
	case 1:
		return s.listeners[0].Addr().String()
	}
	var all []string
	for _, l := range s.listeners {
		all = append(all, l.Addr().String())
	}
	return all
}
