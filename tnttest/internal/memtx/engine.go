package memtx

import "time"

// Engine holds spaces, users and transactions.
type Engine struct {
	// Now tells the time, for the timeouts of transactions.
	Now func() time.Time
	// OnSchemaChange is called after each change of the schema, may be nil.
	OnSchemaChange func()
	// OnCommit is called with what each transaction did that was committed, but
	// for those that Apply made. It may be nil.
	OnCommit func([]Row)
	// Writable reports why nothing can be changed, nil where it can. It may
	// be nil itself.
	Writable func() *Error

	spaces        map[uint32]*Space
	spacesByName  map[string]*Space
	users         map[string]*User
	collations    []*Collation
	sequences     map[uint32]*sequence
	schemaVersion uint64
	nextFormatID  uint32

	txns     map[*Txn]struct{}
	nextPSN  psn
	stories  story // the head of the list of all stories
	crawler  *story
	mustStep int
	applying bool // what is changed is another member's
}

// New returns an engine with the system spaces and the users guest and admin.
func New() *Engine {
	e := &Engine{
		Now:          time.Now,
		spaces:       make(map[uint32]*Space),
		spacesByName: make(map[string]*Space),
		users:        make(map[string]*User),
		sequences:    make(map[uint32]*sequence),

		txns:         make(map[*Txn]struct{}),
		nextPSN:      psnFirst,
		nextFormatID: 1,
	}
	e.stories.prev, e.stories.next = &e.stories, &e.stories
	e.crawler = &e.stories
	e.bootstrap()
	return e
}

// SchemaVersion returns a number that grows with each change of the schema.
func (e *Engine) SchemaVersion() uint64 { return e.schemaVersion }

// schemaChanged notes a change of the schema.
func (e *Engine) schemaChanged() {
	e.schemaVersion++
	if e.OnSchemaChange != nil {
		e.OnSchemaChange()
	}
}
