package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// TestRetryJudgements holds SafeToRetry and IsTransient to errors that no request
// at hand has.
func TestRetryJudgements(t *testing.T) {
	never, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name            string
		err             error
		safe, transient bool
	}{
		{"no error", nil, false, false},
		{"one of somebody's", errors.New("odd"), false, false},
		{"an Error that is loading", &tnt.Error{Code: errcode.Loading}, true, true},
		{"an Error of a conflict, wrapped", fmt.Errorf("mine: %w", &tnt.Error{Code: errcode.TransactionConflict}), true, true},
		{"an Error of a timeout", &tnt.Error{Code: errcode.Timeout}, false, true},
		{"an Error of a duplicate", &tnt.Error{Code: errcode.TupleFound}, false, false},
		{"the end by the user", fmt.Errorf("%w: %w", tnt.ErrNotConnected, tnt.ErrClosed), false, false},
		{"a timeout", tnt.ErrTimeout, false, true},
		{"too many", tnt.ErrTooMany, false, true},
		{"a lost stream", tnt.ErrStreamLost, false, true},
		{"a lost session", tnt.ErrSessionLost, false, true},
		{"a setting that the server lacks", &tnt.SettingError{}, false, false},
		{"nobody has asked to connect", never.Ping(context.Background()), true, false},
	} {
		if safe := tnt.SafeToRetry(test.err); safe != test.safe {
			t.Errorf("%s: SafeToRetry is %t", test.name, safe)
		}
		if transient := tnt.IsTransient(test.err); transient != test.transient {
			t.Errorf("%s: IsTransient is %t", test.name, transient)
		}
	}
}
