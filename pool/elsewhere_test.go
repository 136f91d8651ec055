package pool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// What a function is told by an instance of another replica set, which it asked, says
// nothing of this one.
func TestReadonlyOfAnotherReplicaSet(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		foreign := refusal(errcode.Readonly)
		foreign.Fields = map[string]any{"term": uint64(50), "leader_uuid": "5c5a0a6c-1c1f-4d2a-9a50-2a3d3c0c9f11", "leader_id": uint64(7)}
		remove := e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeCall, Error: foreign, Times: 1})
		_ = tnt.Exec(t.Context(), e.pool, tnt.Call{Function: "f"})
		remove()
		synctest.Wait()
		if term := e.pool.Status()[0].Term; term > 10 {
			t.Errorf("the master's term is %d", term)
		}
		must(t, e.Kill(0))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := insert(ctx, e.pool, 1); err != nil {
			t.Errorf("with the next leader: %v", err)
		}
	})
}

// A function that asked an instance that is loading says nothing of its own.
func TestLoadingOfAnother(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		before := e.hooks.String()
		e.everywhere(tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.Loading)})
		_ = tnt.Exec(t.Context(), e.pool, tnt.Call{Function: "f"})
		synctest.Wait()
		if after := e.hooks.String(); after != before {
			t.Errorf("roles changed: %s", after[len(before):])
		}
	})
}
