package telemetry

import (
	"context"
	"errors"
	"slices"

	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/vshard"
)

// Roles are all roles of instances, in the order of their numbers.
var Roles = []pool.Role{pool.Unknown, pool.Replica, pool.Master, pool.Superseded}

// ByRole returns how many of a pool's instances have each role.
func ByRole(all []pool.Status) map[pool.Role]int {
	found := make(map[pool.Role]int, len(Roles))
	for _, s := range all {
		found[s.Role]++
	}
	return found
}

// OfReplicaSet returns how many instances of a replica set have each role.
func OfReplicaSet(rs vshard.ReplicaSetInfo) map[pool.Role]int {
	all := make([]pool.Status, len(rs.Instances))
	for i := range rs.Instances {
		all[i] = rs.Instances[i].Status
	}
	return ByRole(all)
}

// ReplicaSetName returns the name of a replica set, or its UUID.
func ReplicaSetName(rs vshard.ReplicaSetInfo) string {
	return vshard.ReplicaSet{Name: rs.Name, UUID: rs.UUID}.ID()
}

// storageErrors are the names of vshard's errors that calls of functions end with.
var storageErrors = []string{
	"WRONG_BUCKET", "NON_MASTER", "TRANSFER_IS_IN_PROGRESS", "BUCKET_IS_LOCKED", "BUCKET_IS_CORRUPTED",
	"STORAGE_IS_DISABLED",
}

// CallOutcome returns how a router's call ended whose context that was, in a word out of a bounded set:
// that of Outcome, the name of the error that the function raised, that of vshard's
// error (WRONG_BUCKET), or a word of the router's.
func CallOutcome(ctx context.Context, err error) string {
	var raised *vshard.FunctionError
	var sharding *vshard.Error
	cause := ownCause(ctx, err)
	switch {
	case errors.As(err, &raised) && !errors.Is(cause, raised):
		return nameOf(raised.Err.Code)
	case errors.As(err, &sharding) && !errors.Is(cause, sharding):
		if slices.Contains(storageErrors, sharding.Name) {
			return sharding.Name
		}
		return Other
	case errors.Is(err, vshard.ErrClosed):
		return Closed
	case errors.Is(err, vshard.ErrNoBucket) && !errors.Is(cause, vshard.ErrNoBucket):
		return "no_bucket"
	case errors.Is(err, vshard.ErrNoInstance) && !errors.Is(cause, vshard.ErrNoInstance):
		return "no_instance"
	}
	return Outcome(ctx, err)
}

// Result returns OK, or "failed" where there is an error.
func Result(err error) string {
	if err != nil {
		return "failed"
	}
	return OK
}
