package tntprom_test

import (
	"os"
	"strings"
	"testing"
)

// TestMetricsAreDocumented has the guide name every metric and its labels.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, labels := range exportedMetrics(t) {
		row := ""
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| `tnt_") && strings.Contains(line, "`"+name+"`") {
				row = line
			}
		}
		if row == "" {
			t.Errorf("docs/telemetry.md has no row for %s", name)
			continue
		}
		for _, l := range labels {
			if !strings.Contains(row, "`"+l+"`") {
				t.Errorf("docs/telemetry.md: %s has the label %s", name, l)
			}
		}
	}
}
