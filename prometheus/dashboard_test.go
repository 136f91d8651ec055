package tntprom_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	tntprom "github.com/gotnt/tnt/prometheus"
)

// dashboard is what the test reads of a dashboard of Grafana.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
}

// TestDashboard has the dashboard ask for nothing that the collectors do not
// export, neither metrics nor labels, and leave no metric out.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	exported := exportedMetrics(t)
	shown := map[string]bool{}
	for _, p := range d.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			metrics, labels := named(target.Expr)
			for _, l := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				labels = append(labels, label{name: l[1]})
			}
			for _, problem := range missing(exported, metrics, labels) {
				t.Errorf("%s: %s: %s", p.Title, target.Expr, problem)
			}
			for _, m := range metrics {
				shown[baseName(m)] = true
			}
		}
	}
	for _, v := range d.Templating.List {
		if v.Definition == "" {
			continue
		}
		asked := labelValues.FindStringSubmatch(v.Definition)
		if asked == nil {
			t.Errorf("the variable %s is %q", v.Name, v.Definition)
			continue
		}
		for _, problem := range missing(exported, asked[1:2], []label{{name: asked[2]}}) {
			t.Errorf("the variable %s: %s", v.Name, problem)
		}
	}
	for name := range exported {
		if unshown := []string{"tnt_connects_total", "tnt_error_answers_total"}; !shown[name] && !slices.Contains(unshown, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// TestDashboardTestSees has the test above see what is wrong.
func TestDashboardTestSees(t *testing.T) {
	exported := exportedMetrics(t)
	for _, c := range []struct {
		expr  string
		wrong bool
	}{
		{`sum by (type) (rate(tnt_requests_total{code!="OK",instance=~"$instance"}[$__rate_interval]))`, false},
		{`histogram_quantile(0.99, sum by (le) (rate(tnt_request_duration_seconds_bucket[5m])))`, false},
		{`tnt_connected / on (server) tnt_connections > 0.5`, false},
		{`tnt_vshard_requests_total / on (router) tnt_vshard_calls_total{mode!="callrw"}`, false},
		{`tnt_vshard_requests_total{mode="callrw"} / on (router) tnt_vshard_calls_total`, true},
		{`rate(tnt_request_total[5m])`, true},
		{`up`, true},
		{`sum by (space) (rate(tnt_requests_total[5m]))`, true},
		{`tnt_requests_total{server="a"}`, true},
		{`tnt_in_flight_bucket`, true},
		{`1`, true},
	} {
		metrics, labels := named(c.expr)
		if problems := missing(exported, metrics, labels); (len(problems) > 0) != c.wrong {
			t.Errorf("%s: %q", c.expr, problems)
		}
	}
}

var (
	description  = regexp.MustCompile(`fqName: "([^"]+)".*constLabels: \{(?:(\w+)="[^"]*")?\}, variableLabels: \{([^}]*)\}`)
	legendLabel  = regexp.MustCompile(`\{\{(\w+)\}\}`)
	labelValues  = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	texts        = regexp.MustCompile(`"[^"]*"`)
	matchers     = regexp.MustCompile(`([\w:]*)\{([^}]*)\}`)
	ranges       = regexp.MustCompile(`\[[^\]]*\]`)
	groupings    = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	words        = regexp.MustCompile(`[A-Za-z_:][\w:]*(\s*\()?`)
	histogramEnd = regexp.MustCompile(`_(bucket|sum|count)$`)
)

var histograms = []string{"tnt_request_duration_seconds", "tnt_vshard_call_duration_seconds"}

// label is a label that an expression names.
type label struct {
	name string
	of   string // the metric whose matcher it is in; "" for all of the expression's
}

// named returns the metrics and the labels that an expression names. What is
// followed by a parenthesis is a function or an aggregation.
func named(expr string) (metrics []string, labels []label) {
	expr = texts.ReplaceAllString(expr, "")
	for _, m := range matchers.FindAllStringSubmatch(expr, -1) {
		for _, name := range words.FindAllString(m[2], -1) {
			labels = append(labels, label{name, m[1]})
		}
	}
	expr = ranges.ReplaceAllString(matchers.ReplaceAllString(expr, "$1"), "")
	for _, g := range groupings.FindAllStringSubmatch(expr, -1) {
		for _, name := range words.FindAllString(g[1], -1) {
			labels = append(labels, label{name: name})
		}
	}
	expr = groupings.ReplaceAllString(expr, "")
	for _, w := range words.FindAllString(expr, -1) {
		if !strings.HasSuffix(w, "(") && !slices.Contains([]string{"sum", "max", "min", "avg", "count"}, w) {
			metrics = append(metrics, w)
		}
	}
	return metrics, labels
}

// missing returns what is named and not exported.
func missing(exported map[string][]string, metrics []string, labels []label) (problems []string) {
	if len(metrics) == 0 {
		problems = append(problems, "no metric is named")
	}
	for _, m := range metrics {
		has, ok := exported[baseName(m)]
		if !ok {
			problems = append(problems, "no metric "+m)
			continue
		}
		has = append([]string{"instance", "job"}, has...) // of Prometheus itself
		if strings.HasSuffix(m, "_bucket") {
			has = append(has, "le")
		}
		for _, l := range labels {
			if (l.of == "" || l.of == m) && !slices.Contains(has, l.name) {
				problems = append(problems, m+" has no label "+l.name)
			}
		}
	}
	return problems
}

// baseName returns the name that a series of a histogram belongs to.
func baseName(metric string) string {
	if base := histogramEnd.ReplaceAllString(metric, ""); slices.Contains(histograms, base) {
		return base
	}
	return metric
}

// exportedMetrics are the metrics of the collectors and their labels.
func exportedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	note := func(d *prometheus.Desc) {
		parts := description.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("the description %s is written in another way", d)
		}
		found[parts[1]] = slices.DeleteFunc(append(strings.Split(parts[3], ","), parts[2]), func(label string) bool { return label == "" })
	}
	for _, c := range []prometheus.Collector{
		tntprom.New(tntprom.Options{}), tntprom.NewPoolCollector("main", nil), tntprom.NewRouterCollector("main", tntprom.Options{}),
	} {
		descriptions := make(chan *prometheus.Desc, 100)
		c.Describe(descriptions)
		close(descriptions)
		for d := range descriptions {
			note(d)
		}
	}
	return found
}
