package pool

import (
	"fmt"

	"github.com/gotnt/tnt"
)

// The events by which roles are learned (Tarantool 2.10 and later).
const (
	keyID       = "box.id"
	keyStatus   = "box.status"
	keyElection = "box.election"
	keyShutdown = "box.shutdown"
)

// watch subscribes to what tells of the role, and returns the watchers.
func (m *member) watch() (all []*tnt.Watcher) {
	for _, key := range []string{keyID, keyStatus, keyElection, keyShutdown} {
		w, err := m.control.WatchFunc(key, m.onEvent)
		if err != nil {
			continue // it is not to be connected any more, or has no watchers: then it is polled
		}
		all = append(all, w)
	}
	return all
}

// onEvent takes a value of one of the keys.
func (m *member) onEvent(e tnt.Event) {
	v, err := e.Value()
	if err != nil || v == nil && e.Key != keyShutdown {
		return // the first values may be nil
	}
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Key == keyShutdown {
		// A new session's first value is nil: it ends what was heard late of the one before.
		if down := v == true; down != m.down {
			m.down = down
			p.update()
		}
		return
	}
	fields, ok := v.(map[string]any)
	if !ok || len(fields) == 0 {
		return // or {}
	}
	switch e.Key {
	case keyID:
		m.account.id = number(fields["id"])
		m.joins(text(fields["replicaset_uuid"]))
	case keyStatus:
		m.running = text(fields["status"])
		m.hear(fields["is_ro"])
	case keyElection:
		// It also has is_ro, of before: box.status tells of a change first, and the two
		// keys come here in no order.
		m.elect(number(fields["term"]), number(fields["leader"]))
	}
	p.update()
}

// hear takes whether the instance is read-only, as it says. p.mu is held.
func (m *member) hear(isRO any) {
	ro, ok := isRO.(bool)
	if !ok {
		return
	}
	if m.heardRO && m.account.ro && !ro {
		m.pool.turns++
		m.account.turned = m.pool.turns
	}
	if m.told && m.account.ro != ro {
		m.unmark() // it is newer than the refusal
	}
	m.account.ro, m.heardRO = ro, true
	m.told = m.told || m.known()
}

// elect takes what the instance says of the election. p.mu is held.
func (m *member) elect(term, leader uint64) {
	if term != m.account.term || leader != 0 {
		m.account.leaderUUID = ""
	}
	m.account.term, m.account.leader, m.heardTerm = term, leader, true
	m.told = m.told || m.known()
}

func number(v any) uint64 {
	switch n := v.(type) {
	case uint64:
		return n
	case int64:
		return uint64(max(n, 0))
	}
	return 0
}

// text returns a string, or a UUID as one.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
