package tntprom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"time"
)

// Sizes of the picture, in its units.
const (
	panelWidth, panelHeight = 560, 250
	left, right, top        = 70, 12, 30
	plotHeight              = 140
)

var colours = []string{"#3274d9", "#e0752d", "#56a64b", "#e02f44", "#a352cc", "#8f7a00", "#1f9e9e", "#c15c17", "#6d7680", "#b877d9"}

// drawDashboard draws all panels as SVG, by what Prometheus at an address says.
func drawDashboard(address string, from, to time.Time) ([]byte, error) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		return nil, err
	}
	var d struct {
		Panels []struct {
			Title       string
			FieldConfig struct{ Defaults struct{ Unit string } }
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	rows := (len(d.Panels) + 1) / 2
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", 2*panelWidth, rows*panelHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#f4f5f5"/>`+"\n")
	for i, p := range d.Panels {
		var lines []series
		for _, target := range p.Targets {
			found, err := query(address, target.Expr, target.LegendFormat, from, to)
			if err != nil {
				return nil, err
			}
			lines = append(lines, found...)
		}
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)">`+"\n", i%2*panelWidth, i/2*panelHeight)
		drawPanel(&b, p.Title, p.FieldConfig.Defaults.Unit, lines, float64(from.Unix()), float64(to.Unix()))
		fmt.Fprintln(&b, `</g>`)
	}
	fmt.Fprintln(&b, `</svg>`)
	return b.Bytes(), nil
}

// drawPanel draws one panel: axes, lines and the legend.
func drawPanel(b *bytes.Buffer, title, unit string, lines []series, from, to float64) {
	fmt.Fprintf(b, `<rect x="4" y="4" width="%d" height="%d" fill="#fff" stroke="#ddd"/><text x="14" y="21" font-size="13" font-weight="bold">%s</text>`+"\n",
		panelWidth-8, panelHeight-8, html.EscapeString(title))
	most := 0.0
	for _, s := range lines {
		for _, p := range s.points {
			if !math.IsNaN(p[1]) {
				most = max(most, p[1])
			}
		}
	}
	step := niceStep(most)
	most = step * max(1, math.Ceil(most/step))
	for v := 0.0; v <= most*1.001; v += step {
		y := top + plotHeight*(1-v/most)
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e5e5e5"/><text x="%d" y="%.1f" text-anchor="end" fill="#666">%s</text>`+"\n",
			left, panelWidth-right, y, y, left-6, y+4, inUnit(v, unit))
	}
	for v := 0.0; v <= to-from; v += 15 {
		x := left + (panelWidth-left-right)*v/(to-from)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#666">%.0f s</text>`+"\n", x, top+plotHeight+15, v)
	}
	x, y := 14.0, float64(top+plotHeight+34)
	for i, s := range lines {
		colour := colours[i%len(colours)]
		drawLine(b, s.points, colour, from, to, most)
		if width := 22 + 7*float64(len(s.name)); x+width > panelWidth-10 {
			x, y = 14, y+15
		}
		fmt.Fprintf(b, `<rect x="%.0f" y="%.0f" width="10" height="4" fill="%s"/><text x="%.0f" y="%.0f">%s</text>`+"\n", x, y-6, colour, x+14, y, html.EscapeString(s.name))
		x += 22 + 7*float64(len(s.name))
	}
}

// drawLine draws a series, with a gap where a second has no value.
func drawLine(b *bytes.Buffer, points [][2]float64, colour string, from, to, most float64) {
	path, last := "", math.Inf(-1)
	for _, p := range points {
		if math.IsNaN(p[1]) {
			continue
		}
		command := "L"
		if p[0]-last > 1.5 {
			command = "M"
		}
		last = p[0]
		path += fmt.Sprintf("%s%.1f %.1f", command, left+(panelWidth-left-right)*(p[0]-from)/(to-from), top+plotHeight*(1-p[1]/most))
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", path, colour)
}

// niceStep returns a round step that makes two to five of the most.
func niceStep(most float64) float64 {
	if most <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, n := range []float64{0.2, 0.5, 1, 2} {
		if most/(n*power) <= 5 {
			return n * power
		}
	}
	return 5 * power
}

// inUnit writes a value in a unit of Grafana's.
func inUnit(v float64, unit string) string {
	switch unit {
	case "s":
		if v < 1e-3 {
			return fmt.Sprintf("%.4g µs", v*1e6)
		}
		return fmt.Sprintf("%.4g ms", v*1e3)
	case "Bps":
		return fmt.Sprintf("%.4g kB/s", v/1e3)
	case "reqps", "ops":
		return fmt.Sprintf("%.4g /s", v)
	}
	return fmt.Sprintf("%.4g", v)
}
