package tntotel_test

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gotnt/tnt"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/tnttest"
)

var picture = flag.String("picture", "", "draw the trace of a request into this SVG file")

// TestPicture has a handler of an HTTP server do requests, and draws the trace
// that comes of it.
func TestPicture(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	w.srv.Handle("notify", func(*tnttest.Call) ([]any, error) {
		time.Sleep(3 * time.Millisecond) // so that there is something to see
		return nil, nil
	})
	web := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		ctx, span := w.tracer.Start(r.Context(), "POST /users", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		signUp(ctx, w.conn)
		out.WriteHeader(http.StatusNoContent)
	}))
	defer web.Close()
	for range 20 { // the first are slow, as nothing is in the caches
		w.spans.Reset()
		resp, err := http.Post(web.URL, "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	eventually(t, "the handler has ended", func() bool { return len(w.spans.Ended()) == 6 })
	drawn := drawTrace(w.spans.Ended())
	for _, want := range []string{"POST /users", "SELECT users", "BATCH REPLACE users", "CALL notify", "ER_TUPLE_FOUND"} {
		if !bytes.Contains(drawn, []byte(want)) {
			t.Errorf("the picture lacks %q:\n%s", want, drawn)
		}
	}
	if *picture == "" {
		return
	}
	if err := os.WriteFile(*picture, drawn, 0o600); err != nil {
		t.Fatal(err)
	}
}

// signUp is what the handler does. The first insert is refused from the second
// time on.
func signUp(ctx context.Context, conn *tnt.Conn) {
	_, _ = tnt.Do(ctx, conn, tnt.Select{Space: "users", Key: tnt.K(1)})
	_, _ = tnt.Do(ctx, conn, tnt.Insert{Space: "users", Tuple: []any{1, "Ann"}})
	both := make([]tnt.Replace, 200)
	for i := range both {
		both[i] = tnt.Replace{Space: "users", Tuple: []any{2 + i, "Bob"}}
	}
	for _, err := range tnt.Each[[]any](ctx, conn, both) {
		if err != nil {
			return // the spans show it
		}
	}
	notified := tnt.Go(ctx, conn, tnt.Call{Function: "notify"})
	_, _ = tnt.Do(ctx, conn, tnt.Select{Space: "users", Key: tnt.K(2)})
	_, _ = notified.Wait(ctx)
}

// drawTrace draws spans as bars over time, as SVG.
func drawTrace(spans []sdktrace.ReadOnlySpan) []byte {
	slices.SortFunc(spans, func(a, b sdktrace.ReadOnlySpan) int {
		return cmp.Or(a.StartTime().Compare(b.StartTime()), b.EndTime().Compare(a.EndTime()))
	})
	const width, row, left = 1000, 30, 230
	begin, end := spans[0].StartTime(), spans[0].EndTime()
	place := func(at time.Time) float64 {
		return left + (width-left-150)*float64(at.Sub(begin))/float64(end.Sub(begin))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, row*len(spans)+16)
	fmt.Fprintln(&b, `<rect width="100%" height="100%" fill="#fff"/>`)
	for i, s := range spans {
		y, x := 8+row*i, place(s.StartTime())
		colour, note := "#3274d9", ""
		switch {
		case s.SpanKind() == trace.SpanKindServer:
			colour = "#6d7680"
		case s.Status().Code == codes.Error:
			colour = "#e02f44"
		}
		for _, a := range s.Attributes() {
			if a.Key == "db.response.status_code" || a.Key == "db.operation.batch.size" {
				note += fmt.Sprintf(" %s=%v", a.Key, a.Value.AsInterface())
			}
		}
		indent := 10
		if s.Parent().SpanID() == spans[0].SpanContext().SpanID() {
			indent = 26
		}
		length := max(2, place(s.EndTime())-x)
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text><rect x="%.1f" y="%d" width="%.1f" height="16" rx="2" fill="%s"/>`+"\n",
			indent, y+15, html.EscapeString(s.Name()), x, y+3, length, colour)
		label, anchor := x+length+6, "start"
		if x+length > width-200 && i > 0 {
			label, anchor = x-6, "end"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="%s" fill="#555">%v%s</text>`+"\n",
			label, y+15, anchor, s.EndTime().Sub(s.StartTime()).Round(time.Microsecond), html.EscapeString(note))
	}
	fmt.Fprintln(&b, `</svg>`)
	return b.Bytes()
}
