package tnt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/internal/iproto"
)

// Iterator is the way a Select walks an index. Its zero value is IterEq,
// which with an empty key means every tuple.
type Iterator = iproto.Iterator

// The iterators, by the names of Lua's box.index.
const (
	IterEq            = iproto.IterEq            // equal to the key
	IterReq           = iproto.IterReq           // equal to the key, in reverse order
	IterAll           = iproto.IterAll           // all, in order; with a key: from it on
	IterLT            = iproto.IterLT            // less than the key, in reverse order
	IterLE            = iproto.IterLE            // less or equal, in reverse order
	IterGE            = iproto.IterGE            // greater or equal
	IterGT            = iproto.IterGT            // greater than the key
	IterBitsAllSet    = iproto.IterBitsAllSet    // BITSET indexes
	IterBitsAnySet    = iproto.IterBitsAnySet    // BITSET indexes
	IterBitsAllNotSet = iproto.IterBitsAllNotSet // BITSET indexes
	IterOverlaps      = iproto.IterOverlaps      // RTREE indexes
	IterNeighbor      = iproto.IterNeighbor      // RTREE indexes
	IterNP            = iproto.IterNP            // next prefix (3.2 and later)
	IterPP            = iproto.IterPP            // previous prefix (3.2 and later)
)

// ParseIterator returns the iterator of a name in any case, or of a number.
func ParseIterator(s string) (Iterator, error) {
	for i := IterEq; i <= IterPP; i++ {
		if strings.EqualFold(s, i.String()) {
			return i, nil
		}
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil && Iterator(n) <= IterPP {
		return Iterator(n), nil
	}
	return 0, fmt.Errorf("tnt: %q is no iterator such as EQ, REQ, ALL, LT, LE, GE or GT", s)
}

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

// Feature is a feature of the protocol that a server may offer. Its String is
// the name in Lua's box.iproto.feature.
type Feature = iproto.Feature

// The features of the protocol.
const (
	FeatureStreams               = iproto.FeatureStreams
	FeatureTransactions          = iproto.FeatureTransactions
	FeatureErrorExtension        = iproto.FeatureErrorExtension
	FeatureWatchers              = iproto.FeatureWatchers
	FeaturePagination            = iproto.FeaturePagination
	FeatureSpaceAndIndexNames    = iproto.FeatureSpaceAndIndexNames
	FeatureWatchOnce             = iproto.FeatureWatchOnce
	FeatureDMLTupleExtension     = iproto.FeatureDMLTupleExtension
	FeatureCallRetTupleExtension = iproto.FeatureCallRetTupleExtension
	FeatureCallArgTupleExtension = iproto.FeatureCallArgTupleExtension
	FeatureFetchSnapshotCursor   = iproto.FeatureFetchSnapshotCursor
	FeatureIsSync                = iproto.FeatureIsSync
	FeatureInsertArrow           = iproto.FeatureInsertArrow
)

// Features are what a server offers.
type Features struct {
	// Version of the protocol; 0 for a server from before IPROTO_ID (2.10).
	Version int
	set     uint64
}

// Has tells whether the server offers the feature.
func (f Features) Has(feature Feature) bool { return f.set&(1<<feature) != 0 }

// String lists the names of the features.
func (f Features) String() string {
	var names []string
	for feature := FeatureStreams; feature <= FeatureInsertArrow; feature++ {
		if f.Has(feature) {
			names = append(names, feature.String())
		}
	}
	return fmt.Sprintf("protocol %d: %s", f.Version, strings.Join(names, ", "))
}
