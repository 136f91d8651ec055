package tnt

import (
	"fmt"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// Ping asks for nothing but an answer.
type Ping struct{}

// Type implements Request.
func (Ping) Type() iproto.Type { return iproto.TypePing }

func (Ping) info() RequestInfo { return RequestInfo{Type: iproto.TypePing} }

func (Ping) needs() uint64 { return 0 }

func (Ping) encode(e *encoder) error {
	e.B = mp.AppendMapLen(e.B, 0)
	return nil
}

// Begin starts a transaction in a stream.
type Begin struct {
	Isolation Isolation
	// Timeout after which the server rolls the transaction back. Default: the
	// server's, box.cfg.txn_timeout. Never: none.
	Timeout time.Duration
	// IsSync makes the transaction synchronous (3.2 and later).
	IsSync bool
}

// timeoutInfinity is what the server takes for no timeout, in seconds: TIMEOUT_INFINITY
// of its source, which is also the default of box.cfg.txn_timeout.
const timeoutInfinity = 100 * 365 * 86400

// Type implements Request.
func (Begin) Type() iproto.Type { return iproto.TypeBegin }

func (r Begin) info() RequestInfo { return RequestInfo{Type: iproto.TypeBegin} }

func (r Begin) needs() uint64 { return needsSync(r.IsSync) }

func needsSync(isSync bool) uint64 {
	if isSync {
		return 1 << iproto.FeatureIsSync
	}
	return 0
}

func (r Begin) encode(e *encoder) error {
	e.begin()
	switch {
	case r.Timeout == Never:
		e.Float(iproto.KeyTimeout, timeoutInfinity)
	case r.Timeout < 0:
		return fmt.Errorf("the timeout %v of a transaction is negative: it is a duration, 0 for the server's or tnt.Never", r.Timeout)
	case r.Timeout > 0:
		e.Float(iproto.KeyTimeout, r.Timeout.Seconds())
	}
	if r.Isolation != 0 {
		e.Uint(iproto.KeyTxnIsolation, uint64(r.Isolation))
	}
	if r.IsSync {
		e.Bool(iproto.KeyIsSync, true)
	}
	e.B = e.End()
	return nil
}

// Commit ends a transaction in a stream.
type Commit struct {
	// IsSync makes the transaction synchronous (3.2 and later).
	IsSync bool
}

// Type implements Request.
func (Commit) Type() iproto.Type { return iproto.TypeCommit }

func (r Commit) info() RequestInfo { return RequestInfo{Type: iproto.TypeCommit} }

func (r Commit) needs() uint64 { return needsSync(r.IsSync) }

func (r Commit) encode(e *encoder) error {
	e.begin()
	if r.IsSync {
		e.Bool(iproto.KeyIsSync, true)
	}
	e.B = e.End()
	return nil
}

// Rollback undoes a transaction in a stream.
type Rollback struct{}

// Type implements Request.
func (Rollback) Type() iproto.Type { return iproto.TypeRollback }

func (Rollback) info() RequestInfo { return RequestInfo{Type: iproto.TypeRollback} }

func (Rollback) needs() uint64 { return 0 }

func (Rollback) encode(e *encoder) error {
	e.B = mp.AppendMapLen(e.B, 0)
	return nil
}
