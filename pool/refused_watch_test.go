package pool_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// Where one of what tells of the role can't be watched, all is watched anew, and no watch
// is left behind.
func TestRefusedWatches(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		srv := e.Instance(1)
		before := runtime.NumGoroutine()
		for range 10 {
			srv.Inject(tnttest.Fault{On: iproto.TypeWatch, Error: refusal(errcode.AccessDenied), Times: 3})
			for _, c := range srv.Connections() {
				c.Close()
			}
			time.Sleep(10 * time.Second)
		}
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
		synctest.Wait()
		// One that was left each time would be ten; some of before may be outside of the bubble.
		if after := runtime.NumGoroutine(); after > before+5 {
			t.Errorf("there were %d goroutines, and are %d", before, after)
		}
	})
}
