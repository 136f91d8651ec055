package crud

import (
	"testing"

	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
)

// Whatever a router sends is decoded, or is an error.
func FuzzAnswer(f *testing.F) {
	for _, l := range recordedtest.Load(f, "testdata/crud-3.8.jsonl", 244) {
		results, err := l.Answer()
		if err != nil || len(results) == 0 {
			continue
		}
		second := []byte{0xc0}
		if len(results) > 1 {
			second = results[1].(tnttest.Raw)
		}
		f.Add([]byte(results[0].(tnttest.Raw)), second)
	}
	f.Fuzz(func(t *testing.T, result, failed []byte) {
		_, _ = manyAnswer[map[string]any](result, failed, true)
		_, _, _ = firstRow[struct {
			ID int `tnt:"id"`
		}](result)
		_, _ = parseSpace(result)
		_, _ = parseStats(result)
		if err := parseError(failed); err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
