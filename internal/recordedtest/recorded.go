// Package recordedtest has tests answer as real servers did: it reads
// recordings of requests and answers, and replays the answers on the embedded
// server.
package recordedtest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// Line is a request and its answer.
type Line struct {
	N        int      `json:"n"`
	Case     string   `json:"case"`
	Conn     string   `json:"conn"` // which session
	Function string   `json:"function"`
	Expr     string   `json:"eval"`
	Value    any      `json:"value"` // of an event
	Send     string   `json:"send"`
	Recv     []string `json:"recv"`
}

// Load reads a recording. It fails the test unless that has as many lines.
func Load(tb testing.TB, path string, want int) []Line {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []Line
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Buffer(nil, 1<<24)
	for in.Scan() {
		var l Line
		if err := json.Unmarshal(withoutInfinity(in.Bytes()), &l); err != nil {
			tb.Fatalf("%s, line %d: %v", path, len(lines)+1, err)
		}
		lines = append(lines, l)
	}
	if err := in.Err(); err != nil {
		tb.Fatal(err)
	}
	if len(lines) != want {
		tb.Fatalf("%s has %d lines, want %d", path, len(lines), want)
	}
	return lines
}

// infinite are numbers that JSON does not have, in parts of a line that are for
// people.
var infinite = regexp.MustCompile(`\[(-?Infinity|NaN)\]`)

func withoutInfinity(b []byte) []byte { return infinite.ReplaceAll(b, []byte("[0]")) }

var errFrame = errors.New("the recorded frame is none")

// frame returns the header's type and the body of a recorded frame.
func frame(text string) (kind uint64, body []byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return 0, nil, err
	}
	r := mp.NewReader(b)
	r.Uint()
	for range r.MapLen() {
		if key := r.Uint(); key == 0 {
			kind = r.Uint()
		} else {
			r.Skip()
		}
	}
	if r.Err() != nil || r.Len() == 0 {
		return 0, nil, errFrame
	}
	return kind, r.Rest(), nil
}

// key returns the value of a key of a body.
func key(body []byte, want uint64) []byte {
	r := mp.NewReader(body)
	for range r.MapLen() {
		k := r.Uint()
		value := r.Raw()
		if k == want {
			return value
		}
	}
	return nil
}

// Arguments returns the arguments as they were sent.
func (l Line) Arguments(tb testing.TB) []any {
	tb.Helper()
	_, body, err := frame(l.Send)
	if err != nil {
		tb.Fatalf("line %d: %v", l.N, err)
	}
	r := mp.NewReader(key(body, 0x21))
	args, _ := r.Value().([]any)
	return args
}

// Answer returns the results as they came, or the error.
func (l Line) Answer() ([]any, error) {
	if len(l.Recv) == 0 {
		return nil, errFrame
	}
	kind, body, err := frame(l.Recv[len(l.Recv)-1])
	if err != nil {
		return nil, err
	}
	if kind >= 0x8000 {
		if stack := key(body, 0x52); stack != nil {
			r := mp.NewReader(stack)
			if e := mp.DecodeError(&r); e != nil {
				return nil, e
			}
		}
		r := mp.NewReader(key(body, 0x31))
		return nil, &types.Error{Type: "ClientError", Code: errcode.Code(kind & 0x7fff), Message: r.String()}
	}
	r := mp.NewReader(key(body, 0x30))
	results := make([]any, r.ArrayLen())
	for i := range results {
		results[i] = tnttest.Raw(r.Raw())
	}
	return results, r.Err()
}

// Differs says how an answer differs from the line's by a summary of their results, and
// of errors by their codes; "" where it does not.
func (l Line) Differs(resp tnt.Response, err error, summary func(results []any) string) string {
	want, raised := l.Values()
	if raised != nil {
		var e *tnt.Error
		if !errors.As(err, &e) || e.Code != raised.Code {
			return fmt.Sprintf("got error %v, want %v", err, raised)
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	got, err := resp.Data()
	if err != nil {
		return err.Error()
	}
	if a, b := summary(got), summary(want); a != b {
		return fmt.Sprintf("got %s, want %s", a, b)
	}
	return ""
}

// Event returns the key and the value of an event, which is empty where there was
// none.
func (l Line) Event() (name string, value tnttest.Raw, err error) {
	if len(l.Recv) != 1 {
		return "", nil, errFrame
	}
	kind, body, err := frame(l.Recv[0])
	if err == nil && kind != 0x4c {
		err = errFrame
	}
	r := mp.NewReader(key(body, 0x57))
	return r.String(), key(body, 0x58), err
}

// Handler answers calls as the line does, the first of them alone where then is
// not nil, which answers those behind it. answered tells how often the line was
// the answer.
func (l Line) Handler(then tnttest.Handler) (h tnttest.Handler, answered func() int) {
	var calls, served atomic.Int32
	return func(c *tnttest.Call) ([]any, error) {
		if calls.Add(1) > 1 && then != nil {
			return then(c)
		}
		served.Add(1)
		return l.Answer()
	}, func() int { return int(served.Load()) }
}

// Values returns the results as untyped values, or the error.
func (l Line) Values() ([]any, *types.Error) {
	results, err := l.Answer()
	var e *types.Error
	if errors.As(err, &e) {
		return nil, e
	}
	values := make([]any, len(results))
	for i, v := range results {
		r := mp.NewReader(v.(tnttest.Raw))
		values[i] = r.Value()
	}
	return values, nil
}
