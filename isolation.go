package tnt

// Isolation is the isolation level of a transaction.
type Isolation uint8

// The isolation levels, as in Lua's box.txn_isolation_level.
const (
	DefaultIsolation Isolation = iota // the server's: box.cfg.txn_isolation
	ReadCommitted                     // sees what is committed, confirmed or not
	ReadConfirmed                     // sees what is confirmed
	BestEffort                        // decides by whether the transaction writes
	Linearizable                      // sees all that was confirmed anywhere before it began
)
