package cdc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
)

// definitionOf is a row of _space.
func definitionOf(id int, comment string) []byte {
	b := mp.AppendUint(mp.AppendUint(mp.AppendArrayLen(nil, 7), uint64(id)), 1)
	b = mp.AppendString(mp.AppendString(b, fmt.Sprint("space ", id)), "memtx")
	b = mp.AppendString(mp.AppendMapLen(mp.AppendUint(b, 0), 1), "comment")
	return mp.AppendArrayLen(mp.AppendString(b, comment), 0)
}

// Who takes nothing while definitions change keeps a schema for each of them, which
// counts as read ahead.
func TestBufferedSchemasCount(t *testing.T) {
	f := Stream(t.Context(), nil, Options{Buffer: 4 << 20})
	r := newRunner(f)
	r.conv.catalog = newCatalog()
	for id := firstUserSpace; id < firstUserSpace+1000; id++ {
		body := replication.Body{SpaceID: spaceSpace, Tuple: definitionOf(id, "")}
		if _, _, err := r.conv.catalog.apply(iproto.TypeInsert, &body); err != nil {
			t.Fatal(err)
		}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	n := 0
	for ; n < 3000; n++ {
		row := replication.Row{Type: iproto.TypeReplace, ReplicaID: 1, LSN: uint64(n + 1), TSN: uint64(n + 1)}
		row.Body = append(mp.AppendUint(append(mp.AppendMapLen(nil, 2), byte(iproto.KeySpaceID)), spaceSpace), byte(iproto.KeyTuple))
		row.Body = append(row.Body, definitionOf(600, fmt.Sprint(n))...)
		d := replication.Decided{Transaction: replication.Transaction{Rows: []replication.Row{row}, Size: 160 + len(row.Body)}}
		if err := r.release(ctx, &d); errors.Is(err, context.DeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	used := heap() - before
	t.Logf("%d transactions, %d MiB, counted %d", n, used>>20, r.out.size)
	if used > 3*4<<20 {
		t.Errorf("%d MiB are read ahead, Buffer is 4", used>>20)
	}
	runtime.KeepAlive(r)
}
