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
	id, lsn, v := uint64(1), s.engine.LSN(), s.opts.version
	vclock := map[uint64]uint64{}
	if lsn > 0 {
		vclock[id] = lsn
	}
	self := map[string]any{"id": id, "uuid": s.uuid.String(), "lsn": lsn}
	info := map[string]any{
		"version": v.String(), "package": "tnttest", "status": "running", "ro": false,
		"id": id, "uuid": s.uuid.String(), "pid": os.Getpid(), "listen": s.listenInfo(),
		"uptime": int(s.clock.Now().Sub(s.started)/time.Second) + 1,
		"lsn":    lsn, "signature": lsn, "vclock": vclock,
		"replication": map[uint64]any{id: self}, "replication_anon": map[string]any{"count": 0},
	}
	replicaset := map[string]any{"uuid": s.replicaset.String()}
	if !v.AtLeast(3, 0, 0) {
		info["cluster"] = replicaset
		return info
	}
	self["name"], replicaset["name"], info["name"] = nil, nil, nil
	info["replicaset"], info["cluster"] = replicaset, map[string]any{"name": nil}
	info["schema_version"] = s.engine.SchemaVersion()
	info["election"] = map[string]any{"state": "follower", "term": 1, "vote": 0, "leader": 0}
	return info
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
