package mp

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// golden is where recordings of a real Tarantool 3.8.0 are.
const golden = "../../tnttest/testdata/golden"

type goldenStep struct {
	Lua    string          `json:"lua"`
	Expect json.RawMessage `json:"expect"`
	Recv   []string        `json:"recv"`
}

// goldenSteps returns the steps of the scenarios in a file.
func goldenSteps(t *testing.T, file string) (steps []goldenStep) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Skip("the recordings are not here:", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var scenario struct{ Steps []goldenStep }
		if err := json.Unmarshal(lines.Bytes(), &scenario); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, scenario.Steps...)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

const (
	keyData   = 0x30
	keyError  = 0x52
	keyFormat = 0x60
)

// frameBody returns the values in a frame's body, each as its bytes.
func frameBody(t *testing.T, frame string) map[uint64][]byte {
	t.Helper()
	b, err := hex.DecodeString(frame)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(b)
	r.Skip() // length
	r.Skip() // header
	body := make(map[uint64][]byte)
	if r.Len() > 0 {
		for range r.MapLen() {
			key := r.Uint()
			body[key] = r.Raw()
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return body
}

// notCanonical are values that are not written as they came, by their Lua.
var notCanonical = map[string]string{
	"box.tuple.new{1,'x'}":           "a tuple with a format is sent as its array",
	"require('decimal').new('-0')":   "decimal.Decimal has no negative zero",
	"require('decimal').new('-0.0')": "decimal.Decimal has no negative zero",
}

// notTold are values whose text in Lua says what the wire does not.
var notTold = map[string]string{
	"-0.0": "Lua sends a whole number, which has no negative zero",
}

func TestGoldenValues(t *testing.T) {
	values := 0
	for _, step := range goldenSteps(t, filepath.Join(golden, "codec.jsonl")) {
		if step.Lua == "" {
			continue
		}
		body := frameBody(t, step.Recv[len(step.Recv)-1])
		data, ok := body[keyData]
		if !ok {
			continue // an error; see TestGoldenErrors
		}
		values++
		r := NewReader(data)
		if n := r.ArrayLen(); n != 1 {
			t.Errorf("%s: %d values", step.Lua, n)
		}
		raw := r.Rest()
		v := r.Value()
		if r.Err() != nil || r.Len() > 0 {
			t.Errorf("%s: %v, %d bytes left", step.Lua, r.Err(), r.Len())
			continue
		}
		if got, want := luaString(v), expected(t, step.Expect); got != want && notTold[step.Lua] == "" {
			// What Lua has as cdata is a number on the wire.
			if want = strings.TrimRight(want, "UL"); got != want && !strings.HasPrefix(want, "table: ") {
				t.Errorf("%s is %q, not %q", step.Lua, got, want)
			}
		}
		b, err := AppendValue(nil, v)
		if err != nil || !bytes.Equal(b, raw) && notCanonical[step.Lua] == "" {
			t.Errorf("%s is written as %x, %v, not %x", step.Lua, b, err, raw)
		}
	}
	if values < 60 {
		t.Errorf("only %d values", values)
	}
}

// Every error is written as it came, and every answer can be read.
func TestGoldenErrors(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(golden, "*.jsonl"))
	if len(files) == 0 {
		t.Fatal("the recordings are not here:", golden)
	}
	errors, values := 0, 0
	for _, file := range files {
		for _, step := range goldenSteps(t, file) {
			for _, frame := range step.Recv {
				if len(frame) < 64 { // a greeting is longer, but no answer
					continue
				}
				body := frameBody(t, frame)
				if raw, ok := body[keyError]; ok {
					errors++
					r := NewReader(raw)
					e := DecodeError(&r)
					if r.Err() != nil || e == nil {
						t.Fatalf("%s: %x: %v", file, raw, r.Err())
					}
					b, err := AppendError(nil, e)
					if err == nil && !bytes.Equal(b, raw) && bytes.IndexByte(raw, 0xca) >= 0 {
						// A tuple in the error has a float as some client wrote
						// it: every float is read as a double.
						r := NewReader(b)
						if reflect.DeepEqual(DecodeError(&r), e) {
							continue
						}
					}
					if err != nil || !bytes.Equal(b, raw) {
						t.Errorf("%s: %v is written as\n%x, %v, not\n%x", file, e, b, err, raw)
					}
				}
				for key, raw := range body {
					values++
					r := NewReader(raw)
					v := r.Value()
					if r.Err() != nil {
						t.Errorf("%s: key %d: %v", file, key, r.Err())
					}
					again, err := AppendValue(nil, v)
					if err != nil {
						t.Errorf("%s: key %d: %v", file, key, err)
					}
					r = NewReader(again)
					if luaString(r.Value()) != luaString(v) {
						t.Errorf("%s: %v comes back otherwise", file, v)
					}
				}
			}
		}
	}
	t.Logf("%d errors, %d values", errors, values)
}

var lonely = regexp.MustCompile(`\\udc([0-9a-f]{2})`)

// expected is the text in a recording, where bytes that are not UTF-8 are
// lone surrogates.
func expected(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	isBytes := lonely.Match(raw)
	var s string
	if err := json.Unmarshal(lonely.ReplaceAll(raw, []byte(`\u00$1`)), &s); err != nil {
		t.Fatal(err)
	}
	if !isBytes {
		return s
	}
	var b []byte
	for _, c := range s {
		b = append(b, byte(c))
	}
	return string(b)
}

// luaString is Lua's tostring of a value.
func luaString(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return v
	case []byte:
		return string(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "nan"
		case math.IsInf(v, 0):
			return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64)), "+")
		}
		return strconv.FormatFloat(v, 'g', 14, 64)
	case decimal.Decimal:
		return types.FormatDecimal(v)
	case uuid.UUID:
		return v.String()
	case time.Time:
		return luaTime(v)
	case *types.Error:
		return v.Message
	case []any:
		var list []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, "'"+s+"'")
			} else {
				list = append(list, luaString(e))
			}
		}
		return "[" + strings.Join(list, ", ") + "]"
	case map[any]any:
		var list []string
		for k, e := range v {
			list = append(list, luaString(k)+": "+luaString(e))
		}
		slices.Sort(list)
		return "{" + strings.Join(list, ", ") + "}"
	case map[string]any:
		mixed := make(map[any]any, len(v))
		for k, e := range v {
			mixed[k] = e
		}
		return luaString(mixed)
	}
	return fmt.Sprint(v)
}

func luaTime(v time.Time) string {
	s := fmt.Sprintf("%04d", v.Year()) + v.Format("-01-02T15:04:05")
	switch ns := v.Nanosecond(); {
	case ns == 0:
	case ns%1e6 == 0:
		s += fmt.Sprintf(".%03d", ns/1e6)
	case ns%1e3 == 0:
		s += fmt.Sprintf(".%06d", ns/1e3)
	default:
		s += fmt.Sprintf(".%09d", ns)
	}
	name := v.Location().String()
	_, offset := v.Zone()
	switch {
	case v.Location() == time.UTC:
		return s + "Z"
	case len(name) == 1:
		return s + name
	case name != "":
		return s + " " + name
	case offset == 0:
		return s + "Z"
	}
	return s + v.Format("-0700")
}
