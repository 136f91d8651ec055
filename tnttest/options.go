package tnttest

import (
	"log/slog"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// Option changes how a server starts.
type Option func(*options)

type options struct {
	version   iproto.Version
	protocol  uint64
	features  []iproto.Feature
	users     []userOption
	spaces    []SpaceDef
	sequences []SequenceDef
	guestAll  bool
	clock     Clock
	logger    *slog.Logger
	logLimit  int
	maxPacket uint64
	msgMax    int
	authType  string
	inMemory  bool

	// Of followers.
	noLog              bool
	maxLog             int
	replicationTimeout time.Duration

	// Of replica sets.
	electionDelay time.Duration
	noElections   bool
	noFencing     bool
	instanceNames bool
}

type userOption struct{ name, password string }

const (
	defaultMaxPacket = 64 << 20
	defaultMsgMax    = 768
	defaultLogLimit  = 1000
)

func defaultOptions() options {
	return options{
		version:   iproto.Version{Major: 3, Minor: 8},
		protocol:  iproto.ProtocolVersion,
		features:  featuresOf(iproto.ProtocolVersion),
		guestAll:  true,
		clock:     realClock{},
		logLimit:  defaultLogLimit,
		maxPacket: defaultMaxPacket,
		msgMax:    defaultMsgMax,
		authType:  wire.AuthChapSHA1,

		maxLog:             defaultMaxLog,
		replicationTimeout: defaultReplicationTimeout,

		electionDelay: defaultElectionDelay,
	}
}

// featuresOf returns the features that a server of the protocol's version
// offers. FETCH_SNAPSHOT_CURSOR is one of Tarantool Enterprise.
func featuresOf(protocol uint64) []iproto.Feature {
	since := []struct {
		version uint64
		feature iproto.Feature
	}{
		{1, iproto.FeatureStreams},
		{1, iproto.FeatureTransactions},
		{2, iproto.FeatureErrorExtension},
		{3, iproto.FeatureWatchers},
		{4, iproto.FeaturePagination},
		{5, iproto.FeatureSpaceAndIndexNames},
		{6, iproto.FeatureWatchOnce},
		{7, iproto.FeatureDMLTupleExtension},
		{7, iproto.FeatureCallRetTupleExtension},
		{7, iproto.FeatureCallArgTupleExtension},
		{9, iproto.FeatureIsSync},
		{10, iproto.FeatureInsertArrow},
	}
	var features []iproto.Feature
	for _, s := range since {
		if s.version <= protocol {
			features = append(features, s.feature)
		}
	}
	return features
}

// WithVersion makes the server a version of Tarantool to its clients, such as
// "2.6.0" or "2.11.2": its greeting, protocol and features are those of that
// version. Before 2.10 it knows neither ID nor streams nor watchers.
// A version that is no version makes Start fail.
func WithVersion(version string) Option {
	return func(o *options) {
		v, err := iproto.ParseVersion(version)
		if err != nil {
			v = iproto.Version{}
		}
		o.version = v
		o.protocol = protocolOf(v)
		o.features = featuresOf(o.protocol)
	}
}

// protocolOf returns the version of the protocol that a server speaks, 0 for
// one too old to tell.
func protocolOf(v iproto.Version) uint64 {
	switch {
	case v.AtLeast(3, 3, 0):
		return 10
	case v.AtLeast(3, 1, 1):
		return 9
	case v.AtLeast(3, 0, 0):
		return 7
	case v.AtLeast(2, 11, 0):
		return 4
	case v.AtLeast(2, 10, 0):
		return 3
	}
	return 0
}

// WithoutFeatures takes features away, by their names in Tarantool's
// box.iproto.feature: "streams", "watchers", "pagination", ...
func WithoutFeatures(names ...string) Option {
	return func(o *options) {
		var kept []iproto.Feature
		for _, f := range o.features {
			gone := false
			for _, name := range names {
				gone = gone || f.String() == name
			}
			if !gone {
				kept = append(kept, f)
			}
		}
		o.features = kept
	}
}

// WithUser adds a user with all rights but those of the super user. One with
// an empty password gets no rights at all.
func WithUser(name, password string) Option {
	return func(o *options) { o.users = append(o.users, userOption{name, password}) }
}

// WithSpace adds a space.
func WithSpace(space SpaceDef) Option {
	return func(o *options) { o.spaces = append(o.spaces, space) }
}

// WithSequence adds a sequence.
func WithSequence(sequence SequenceDef) Option {
	return func(o *options) { o.sequences = append(o.sequences, sequence) }
}

// WithRestrictedGuest takes from the user guest, whom connections without a
// login have, the right to do everything: it keeps what a real server's guest
// has.
func WithRestrictedGuest() Option {
	return func(o *options) { o.guestAll = false }
}

// WithAuthType names the method that the server proposes to clients:
// "chap-sha1", the default, or "pap-sha256".
func WithAuthType(method string) Option {
	return func(o *options) { o.authType = method }
}

// WithClock sets the clock of timeouts and delays.
func WithClock(c Clock) Option {
	return func(o *options) { o.clock = c }
}

// WithLogger logs each request at level debug.
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// WithLogLimit sets how many requests Requests remembers, 1000 by default.
func WithLogLimit(n int) Option {
	return func(o *options) { o.logLimit = n }
}

// WithMaxPacket sets the length in bytes past which a packet is refused,
// 64 MiB by default. A real server's limit is 2 GiB.
func WithMaxPacket(n int) Option {
	return func(o *options) { o.maxPacket = uint64(n) }
}

// WithInFlightLimit sets at how many requests being served the server stops
// to read a connection (net_msg_max), 768 by default.
func WithInFlightLimit(n int) Option {
	return func(o *options) { o.msgMax = n }
}
