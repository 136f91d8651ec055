package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/telemetry"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/vshard"
)

func TestCallOutcome(t *testing.T) {
	call := func(err error) error { return &vshard.CallError{Function: "f", Err: err} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "OK"},
		{call(&vshard.FunctionError{Err: &tnt.Error{Code: errcode.TupleFound}}), "ER_TUPLE_FOUND"},
		{call(&vshard.FunctionError{Err: &tnt.Error{Code: 70000}}), "other"},
		{call(&vshard.Error{Name: "BUCKET_IS_LOCKED"}), "BUCKET_IS_LOCKED"},
		{call(errors.Join(context.DeadlineExceeded, &vshard.Error{Name: "TRANSFER_IS_IN_PROGRESS"})), "TRANSFER_IS_IN_PROGRESS"},
		{call(&vshard.Error{Name: "made up, with a value"}), "other"},
		{call(vshard.ErrNoBucket), "no_bucket"},
		{call(fmt.Errorf("%w: s1 is away: %w", vshard.ErrNoInstance, tnt.ErrNotConnected)), "no_instance"},
		{vshard.ErrClosed, "closed"},
		{call(context.Canceled), "canceled"},
		{call(tnt.ErrConnectionLost), "connection_lost"},
		{errors.New("vshard: bucket 0 is none of 1 to 100"), "other"},
	} {
		if got := telemetry.CallOutcome(t.Context(), c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

// TestCallOutcomeOfACause has the error of another call be the cause of a context's end.
func TestCallOutcomeOfACause(t *testing.T) {
	for _, cause := range []error{
		&vshard.CallError{Err: &vshard.FunctionError{Err: &tnt.Error{Code: errcode.TupleFound}}},
		&vshard.CallError{Err: &vshard.Error{Name: "BUCKET_IS_LOCKED"}},
		vshard.ErrNoBucket, vshard.ErrNoInstance, tnt.ErrConnectionLost,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if got := telemetry.CallOutcome(ctx, &vshard.CallError{Err: fmt.Errorf("gave up: %w", cause)}); got != "canceled" {
			t.Errorf("%v: got %q", cause, got)
		}
		if got := telemetry.CallOutcome(ctx, &vshard.CallError{Err: tnt.ErrStreamLost}); got != "stream_lost" {
			t.Errorf("an error of its own: got %q", got)
		}
	}
}

// TestRoles has the list of roles be complete: the next number is none.
func TestRoles(t *testing.T) {
	for i, role := range telemetry.Roles {
		if int(role) != i {
			t.Errorf("role %d is %v", i, role)
		}
	}
	if after := pool.Role(len(telemetry.Roles)); after.String() != fmt.Sprintf("Role(%d)", len(telemetry.Roles)) {
		t.Errorf("there is a role more: %v", after)
	}
}
