package pool_test

import (
	"errors"
	"slices"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

func isReadOnly(err error) bool { return errors.Is(err, errcode.Readonly) }

func sortTimes(times []time.Time) { slices.SortFunc(times, time.Time.Compare) }

func isUnsent(err error) bool {
	var re *tnt.RequestError
	return errors.As(err, &re) && re.Fate() == tnt.FateUnsent
}
