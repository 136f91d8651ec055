package iproto

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Feature is a protocol feature that client and server tell each other by ID.
type Feature uint8

// The protocol's features.
const (
	FeatureStreams Feature = iota
	FeatureTransactions
	FeatureErrorExtension
	FeatureWatchers
	FeaturePagination
	FeatureSpaceAndIndexNames
	FeatureWatchOnce
	FeatureDMLTupleExtension
	FeatureCallRetTupleExtension
	FeatureCallArgTupleExtension
	FeatureFetchSnapshotCursor
	FeatureIsSync
	FeatureInsertArrow
	featureMax
)

// ProtocolVersion is the version of the protocol implemented here.
const ProtocolVersion = 10

var featureNames = [featureMax]string{
	"streams", "transactions", "error_extension", "watchers", "pagination",
	"space_and_index_names", "watch_once", "dml_tuple_extension", "call_ret_tuple_extension",
	"call_arg_tuple_extension", "fetch_snapshot_cursor", "is_sync", "insert_arrow",
}

// String returns the name of the feature in Lua's box.iproto.feature.
func (f Feature) String() string {
	if f < featureMax {
		return featureNames[f]
	}
	return "feature " + strconv.Itoa(int(f))
}

// Features are what a server offers. The zero value is nothing: that of a
// server from before IPROTO_ID (2.10).
type Features struct {
	// Version of the protocol; 0 for a server from before IPROTO_ID.
	Version int
	set     uint64
}

// NewFeatures returns the features of a server that speaks a version of the
// protocol.
func NewFeatures(version int, features ...Feature) Features {
	f := Features{Version: version}
	for _, feature := range features {
		if feature < 64 {
			f.set |= 1 << feature
		}
	}
	return f
}

// Has reports whether the server offers the feature.
func (f Features) Has(feature Feature) bool { return f.set&(1<<feature) != 0 }

// Missing returns the first of the features, given as bits of 1<<Feature, that
// the server lacks. ok is false where it lacks none.
func (f Features) Missing(needed uint64) (first Feature, ok bool) {
	missing := needed &^ f.set
	return Feature(bits.TrailingZeros64(missing)), missing != 0
}

// String lists the names of the features.
func (f Features) String() string {
	var names []string
	for feature := range featureMax {
		if f.Has(feature) {
			names = append(names, feature.String())
		}
	}
	return fmt.Sprintf("protocol %d: %s", f.Version, strings.Join(names, ", "))
}
