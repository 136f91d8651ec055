package tntprom_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startPrometheus starts a Prometheus that watches an address, and returns its
// own.
func startPrometheus(t *testing.T, program, target string) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: shop\n  static_configs: [{targets: [%q]}]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "prometheus is ready", func() bool {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return address
}

// series is a line of a panel.
type series struct {
	name   string
	points [][2]float64 // seconds since 1970, and the value
}

// query evaluates an expression of the dashboard over a time.
func query(address, expr, legend string, from, to time.Time) ([]series, error) {
	expr = strings.NewReplacer("$__rate_interval", "5s", "$instance", ".*").Replace(expr)
	values := url.Values{
		"query": {expr}, "step": {"1"},
		"start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)},
	}
	resp, err := http.Get("http://" + address + "/api/v1/query_range?" + values.Encode())
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Values [][2]json.RawMessage
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	var list []series
	for _, r := range answer.Data.Result {
		s := series{name: legendLabel.ReplaceAllStringFunc(legend, func(l string) string { return r.Metric[strings.Trim(l, "{}")] })}
		s.name = loopback.ReplaceAllString(s.name, "127.0.0.1:3301") // the port is another in each run
		for _, v := range r.Values {
			var p [2]float64
			var text string
			if err := json.Unmarshal(v[0], &p[0]); err != nil {
				return nil, err
			}
			if err := json.Unmarshal(v[1], &text); err != nil {
				return nil, err
			}
			if p[1], err = strconv.ParseFloat(text, 64); err != nil {
				return nil, err
			}
			s.points = append(s.points, p)
		}
		list = append(list, s)
	}
	return list, nil
}

var loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
