package queuetest

import (
	"slices"

	"github.com/gotnt/tnt/tnttest"
)

// Lose takes the next task of a tube for nobody, as the module does for a connection
// that ends while a take is at work: it makes a session that no connection has and
// that does not expire. It reports whether there was a task.
func (q *Queue) Lose(tube string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tubes[tube]
	if t == nil {
		return false
	}
	s := q.newSession()
	s.conns = 1 // to the module
	q.strays[s.uuid] = true
	return t.first(s.uuid) != nil
}

// endStrays returns the sessions that Lose has made, and ends those that it is given.
func (q *Queue) endStrays(c *tnttest.Call) ([]any, error) {
	type stray struct {
		Conn int
		UUID string
	}
	known, err := tnttest.Arg[[]stray](c, 0)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	found := []any{}
	for uuid := range q.strays {
		if !slices.ContainsFunc(known, func(k stray) bool { return k.UUID == uuid }) {
			found = append(found, []any{0, uuid})
			continue
		}
		delete(q.strays, uuid)
		delete(q.sessions, uuid)
		for _, t := range q.tubes {
			t.releaseOf(uuid)
			t.notify()
		}
	}
	return []any{found}, nil
}
