package tnt

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// goldenFolder holds recorded exchanges with a real server.
const goldenFolder = "tnttest/testdata/golden"

type goldenStep struct {
	Send     string           `json:"send"`
	Recv     []string         `json:"recv"`
	Request  map[string]any   `json:"request"`
	Response []map[string]any `json:"response"`
	Lua      string           `json:"lua"`
	Expect   *string          `json:"expect"`
	Raw      any              `json:"raw"`
}

// eachGolden calls fn for every recorded step.
func eachGolden(t *testing.T, fn func(where string, step goldenStep)) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(goldenFolder, "*.jsonl"))
	if len(files) == 0 {
		t.Fatalf("the recordings are not there: no %s/*.jsonl", goldenFolder)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReaderSize(f, 1<<20)
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if len(line) == 0 && err != nil {
				break
			}
			var scenario struct {
				Name  string       `json:"name"`
				Steps []goldenStep `json:"steps"`
			}
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			if err := d.Decode(&scenario); err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			for i, step := range scenario.Steps {
				fn(fmt.Sprintf("%s:%d, %s, step %d", filepath.Base(file), n, scenario.Name, i), step)
			}
		}
		_ = f.Close()
	}
}

// unhex returns the content of a recorded frame.
func unhex(t *testing.T, where, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	head, size, err := wire.FrameSize(b)
	if err != nil || uint64(len(b)-head) != size {
		t.Fatalf("%s: a frame of %d bytes says %d, %v", where, len(b)-head, size, err)
	}
	return b[head:]
}

// TestGoldenResponses decodes every recorded answer and compares it with the
// readable form beside it, and with Lua's own text of it.
func TestGoldenResponses(t *testing.T) {
	frames, texts := 0, 0
	eachGolden(t, func(where string, step goldenStep) {
		for i, text := range step.Recv {
			frames++
			r := mp.NewReader(unhex(t, where, text))
			h, err := wire.DecodeHeader(&r)
			if err != nil {
				t.Errorf("%s: %v", where, err)
				continue
			}
			want := step.Response[i]
			checkHeader(t, where, h, want)
			checkAnswer(t, where, h, r.Rest(), want)
			if step.Expect == nil || h.Type != iproto.TypeOK {
				continue
			}
			rows, err := newResponse(h.SchemaVersion, r.Rest(), nil, nil).Data()
			if err != nil || len(rows) != 1 {
				t.Errorf("%s: %v, %v", where, rows, err)
				continue
			}
			if said, ok := luaText(rows[0]); ok {
				texts++
				want := strings.TrimSuffix(strings.TrimSuffix(*step.Expect, "LL"), "U")
				if step.Lua == "-0.0" {
					want = "0" // as which the server sends it
				}
				if readable(said) != want {
					t.Errorf("%s: %s is %s, Lua says %s", where, step.Lua, said, want)
				}
			}
		}
	})
	t.Logf("%d answers, %d of them with Lua's text", frames, texts)
	if frames < 5000 || texts < 50 {
		t.Error("these are fewer than there were")
	}
}

func checkHeader(t *testing.T, where string, h wire.Header, want map[string]any) {
	t.Helper()
	typ := fmt.Sprint(want["type"])
	if names := map[string]string{"OK": "0", "EVENT": strconv.Itoa(int(iproto.TypeEvent))}; names[typ] != "" {
		typ = names[typ]
	}
	if strconv.Itoa(int(h.Type)) != typ || fmt.Sprint(h.Sync) != fmt.Sprint(want["sync"]) {
		t.Errorf("%s: the header is %+v, want %v", where, h, want)
	}
	if v, ok := want["schema_version"]; ok && fmt.Sprint(h.SchemaVersion) != fmt.Sprint(v) {
		t.Errorf("%s: the schema's version is %d, want %v", where, h.SchemaVersion, v)
	}
}

// checkAnswer compares what the methods of Response say with the readable
// answer.
func checkAnswer(t *testing.T, where string, h wire.Header, body []byte, want map[string]any) {
	t.Helper()
	resp := newResponse(h.SchemaVersion, body, nil, nil)
	if h.Type&iproto.TypeError != 0 {
		err := wire.ServerError(h.Type, body, nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: no error but %v", where, err)
			return
		}
		if e.Code != errcode.Code(h.Type&^iproto.TypeError) || e.Message != want["error_24"] {
			t.Errorf("%s: the error is %v, want %v", where, e, want["error_24"])
		}
		stack, _ := want["error"].(map[string]any)
		depth := 0
		for cause := e; cause != nil; cause = cause.Cause {
			depth++
		}
		if list, ok := stack["0"].([]any); ok && len(list) != depth {
			t.Errorf("%s: the error has %d in its chain, want %d", where, depth, len(list))
		}
		return
	}
	rows, err := resp.Data()
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	list, _ := want["data"].([]any)
	if len(rows) != len(list) || resp.Len() != len(list) {
		t.Errorf("%s: %d rows, want %d", where, len(rows), len(list))
		return
	}
	for i := range rows {
		if !matches(rows[i], list[i]) {
			t.Errorf("%s: row %d is %v, want %v", where, i+1, rows[i], list[i])
		}
	}
	if position, ok := want["position"].(string); ok && resp.Position() != position {
		t.Errorf("%s: the position is %q, want %q", where, resp.Position(), position)
	}
	columns, err := resp.Columns()
	if metadata, _ := want["metadata"].([]any); err != nil || len(columns) != len(metadata) {
		t.Errorf("%s: %d columns, want %d, %v", where, len(columns), len(metadata), err)
	}
	if id, ok := want["stmt_id"]; ok && fmt.Sprint(resp.StatementID()) != fmt.Sprint(id) {
		t.Errorf("%s: the statement is %d, want %v", where, resp.StatementID(), id)
	}
	if info, ok := want["sql_info"].(map[string]any); ok && fmt.Sprint(resp.RowCount()) != fmt.Sprint(info["0"]) {
		t.Errorf("%s: %d rows were changed, want %v", where, resp.RowCount(), info["0"])
	}
	for _, row := range list {
		if _, ok := row.([]any); !ok {
			return
		}
	}
	if tuples, err := resp.Tuples(); err != nil || len(tuples) != len(list) {
		t.Errorf("%s: as tuples: %d, %v", where, len(tuples), err)
	}
}

// matches compares an untyped value with its readable form.
func matches(v, want any) bool {
	switch want := want.(type) {
	case json.Number:
		switch v := v.(type) {
		case int64, uint64:
			return fmt.Sprint(v) == want.String() || sameFloat(v, want)
		case float64:
			f, err := want.Float64()
			return err == nil && f == v
		}
		return false
	case []any:
		list, ok := v.([]any)
		return ok && slices.EqualFunc(list, want, matches)
	case map[string]any:
		return matchesMap(v, want)
	case string:
		s, ok := v.(string)
		return ok && readable(s) == want
	}
	return v == want
}

// readable is a string as JSON has it, which can't hold what is not UTF-8.
func readable(s string) string { return string([]rune(s)) }

func sameFloat(v any, want json.Number) bool {
	f, err := want.Float64()
	return err == nil && fmt.Sprint(f) == fmt.Sprint(v)
}

func matchesMap(v any, want map[string]any) bool {
	if ext, ok := want["$ext"].([]any); ok {
		return matchesExt(v, ext)
	}
	if text, ok := want["$bin"].(string); ok {
		b, isBytes := v.([]byte)
		s, isString := v.(string)
		return isBytes && hex.EncodeToString(b) == text || isString && hex.EncodeToString([]byte(s)) == text
	}
	if f, ok := v.(float64); ok {
		sign, isInf := want["$inf"]
		return isInf && math.IsInf(f, 1) == (sign == "inf") || !isInf && math.IsNaN(f)
	}
	switch m := v.(type) {
	case map[string]any:
		return maps.EqualFunc(m, want, matches)
	case map[any]any:
		if len(m) != len(want) {
			return false
		}
		for k, e := range m {
			if w, ok := want[fmt.Sprint(k)]; !ok || !matches(e, w) {
				return false
			}
		}
		return true
	}
	return false
}

// matchesExt writes a value again and compares the bytes.
func matchesExt(v any, ext []any) bool {
	typ, _ := ext[0].(json.Number).Int64()
	data, err := hex.DecodeString(ext[1].(string))
	if err != nil {
		return false
	}
	if int8(typ) == types.ExtTuple {
		r := mp.NewReader(data)
		r.Skip()
		b, err := mp.AppendValue(nil, v)
		return err == nil && bytes.Equal(b, r.Rest())
	}
	b, err := mp.AppendValue(nil, v)
	return err == nil && bytes.Equal(b, mp.AppendExt(nil, int8(typ), data))
}

// luaText returns what Lua's tostring makes of a value; ok is false for those
// that it names by their address.
func luaText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case nil:
		return "nil", true
	case bool, int64, uint64, types.Interval:
		return fmt.Sprint(v), true
	case string:
		return v, true
	case float64:
		switch {
		case math.IsNaN(v):
			return "nan", true
		case math.IsInf(v, 0):
			return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+")), true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case decimal.Decimal:
		return luaDecimal(v), true
	case uuid.UUID:
		return v.String(), true
	case time.Time:
		return luaTime(v), true
	case *Error:
		return v.Message, true
	}
	return "", false
}

// luaDecimal is to-scientific-string of the General Decimal Arithmetic.
func luaDecimal(d decimal.Decimal) string {
	digits := d.Coefficient().String()
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	exp := int(d.Exponent())
	adjusted := exp + len(digits) - 1
	switch {
	case exp > 0 || adjusted < -6:
		if len(digits) > 1 {
			digits = digits[:1] + "." + digits[1:]
		}
		return fmt.Sprintf("%s%sE%+d", sign, digits, adjusted)
	case exp == 0:
		return sign + digits
	case len(digits) <= -exp:
		digits = strings.Repeat("0", 1-exp-len(digits)) + digits
	}
	return sign + digits[:len(digits)+exp] + "." + digits[len(digits)+exp:]
}

func luaTime(v time.Time) string {
	text := fmt.Sprintf("%04d-%s", v.Year(), v.Format("01-02T15:04:05"))
	if nsec := v.Nanosecond(); nsec != 0 {
		digits := fmt.Sprintf("%09d", nsec)
		for strings.HasSuffix(digits, "000") {
			digits = digits[:len(digits)-3]
		}
		text += "." + digits
	}
	_, offset := v.Zone()
	switch name := v.Location().String(); {
	case v.Location() == time.UTC:
		return text + "Z"
	case name != "":
		return text + " " + name
	case offset < 0:
		return text + fmt.Sprintf("-%02d%02d", -offset/3600, -offset/60%60)
	default:
		return text + fmt.Sprintf("+%02d%02d", offset/3600, offset/60%60)
	}
}

// TestGoldenRequests decodes every recorded request, makes one of this
// package's of it, and encodes that: the same bytes where the recorded request
// holds what this package sends, and the same values elsewhere.
func TestGoldenRequests(t *testing.T) {
	same, equal, left := 0, 0, map[string]int{}
	eachGolden(t, func(where string, step goldenStep) {
		if step.Send == "" || step.Raw != nil || step.Request == nil {
			return
		}
		content := unhex(t, where, step.Send)
		r := mp.NewReader(content)
		h, err := wire.DecodeHeader(&r)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			return
		}
		if fmt.Sprint(h.Sync) != fmt.Sprint(step.Request["sync"]) {
			t.Errorf("%s: the sync is %d", where, h.Sync)
		}
		var body wire.Body
		if err := body.Decode(r.Rest()); err != nil {
			left["a body of wrong types"]++
			return
		}
		req, why := requestOf(h, &body)
		if req == nil {
			left[why]++
			return
		}
		e := newEncoder(&environment{namesOnWire: true})
		e.B = wire.AppendRequestHeader(e.B, h)
		err = req.encode(e)
		again := e.B
		if err != nil {
			t.Errorf("%s: %v of %v", where, err, step.Request)
			return
		}
		if bytes.Equal(again, content) {
			same++
			return
		}
		equal++
		ours := mp.NewReader(again)
		if again, err := wire.DecodeHeader(&ours); err != nil || again != h {
			t.Errorf("%s: the header has become %+v, %v", where, again, err)
		}
		var ourBody wire.Body
		if err := ourBody.Decode(ours.Rest()); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		compareBodies(t, where, &body, &ourBody)
	})
	t.Logf("%d requests are the same bytes, %d differ in the order of keys or in defaults, not made: %v", same, equal, left)
	if same < 200 || same+equal < 4500 {
		t.Error("these are fewer than there were")
	}
}

// goldenDefaults are what may be said or left out.
var goldenDefaults = map[iproto.Key][]byte{
	iproto.KeyIndexID: {0}, iproto.KeyOffset: {0}, iproto.KeyIndexBase: {0}, iproto.KeyOptions: {0x90},
	iproto.KeyIterator: {0}, iproto.KeyLimit: {0xce, 0xff, 0xff, 0xff, 0xff}, iproto.KeyFetchPosition: {0xc2},
	iproto.KeyTxnIsolation: {0},
}

// compareBodies compares two bodies key by key.
func compareBodies(t *testing.T, where string, want, got *wire.Body) {
	t.Helper()
	for k := iproto.Key(0x10); k < 0x65; k++ {
		a, b := want.Raw(k), got.Raw(k)
		if bytes.Equal(a, b) {
			continue
		}
		if def, ok := goldenDefaults[k]; ok && (len(a) == 0 && bytes.Equal(b, def) || len(b) == 0 && bytes.Equal(a, def)) {
			continue
		}
		if k == iproto.KeyIterator && want.Uint(k) == uint64(iproto.IterEq) && got.Uint(k) == uint64(iproto.IterAll) && len(want.Raw(iproto.KeyKey)) == 1 {
			continue // the empty key
		}
		if k == iproto.KeyAfterPosition && want.String(k) == got.String(k) {
			continue // a string here, binary there
		}
		if len(a) > 0 && len(b) > 0 { // maps whose keys came in another order
			ra, rb := mp.NewReader(a), mp.NewReader(b)
			va, vb := ra.Value(), rb.Value()
			if ra.Err() == nil && rb.Err() == nil && fmt.Sprintf("%#v", va) == fmt.Sprintf("%#v", vb) {
				continue
			}
		}
		t.Errorf("%s: %v is %x, want %x", where, k, b, a)
	}
}

// requestOf makes a request of its recorded header and body; nil and a reason
// for one that this package does not send.
func requestOf(h wire.Header, body *wire.Body) (req Request, why string) {
	space, index := body.String(iproto.KeySpaceName), body.String(iproto.KeyIndexName)
	spaceID, indexID := uint32(body.Uint(iproto.KeySpaceID)), uint32(body.Uint(iproto.KeyIndexID))
	switch h.Type {
	case iproto.TypeSelect, iproto.TypeInsert, iproto.TypeReplace, iproto.TypeUpdate, iproto.TypeDelete, iproto.TypeUpsert:
		if space == "" && spaceID == 0 {
			return nil, "no space"
		}
		if space != "" && spaceID != 0 {
			return nil, "a space by name and by number"
		}
	}
	missing := func(keys ...iproto.Key) bool {
		return slices.ContainsFunc(keys, func(k iproto.Key) bool { return !body.Has(k) })
	}
	list := func(k iproto.Key) []any {
		r := body.Reader(k)
		values, _ := r.Value().([]any)
		return values
	}
	key := func() Key {
		if parts := list(iproto.KeyKey); len(parts) > 0 {
			return Parts(parts...)
		}
		return Key{}
	}
	switch h.Type {
	case iproto.TypeSelect:
		if missing(iproto.KeyKey, iproto.KeyLimit) || body.Uint(iproto.KeyLimit) == 0 || body.Uint(iproto.KeyIterator) > uint64(iproto.IterPP) {
			return nil, "a SELECT without a key, a limit or a known iterator"
		}
		s := Select{
			Space: space, SpaceID: spaceID, Index: index, IndexID: indexID, Key: key(), Iterator: iproto.Iterator(body.Uint(iproto.KeyIterator)),
			Offset: uint32(body.Uint(iproto.KeyOffset)), Limit: uint32(body.Uint(iproto.KeyLimit)), FetchPosition: body.Bool(iproto.KeyFetchPosition),
		}
		if s.Limit == math.MaxUint32 {
			s.Limit = 0
		}
		if body.Has(iproto.KeyAfterPosition) {
			s.After = AfterPosition(body.String(iproto.KeyAfterPosition))
		}
		if body.Has(iproto.KeyAfterTuple) {
			s.After = AfterTuple(Tuple{raw: body.Raw(iproto.KeyAfterTuple)})
		}
		return s, ""
	case iproto.TypeInsert, iproto.TypeReplace:
		if missing(iproto.KeyTuple) || body.Has(iproto.KeyKey) {
			return nil, "a tuple missing, or more than one"
		}
		if h.Type == iproto.TypeInsert {
			return Insert{Space: space, SpaceID: spaceID, Tuple: list(iproto.KeyTuple)}, ""
		}
		return Replace{Space: space, SpaceID: spaceID, Tuple: list(iproto.KeyTuple)}, ""
	case iproto.TypeDelete:
		if missing(iproto.KeyKey) || body.Has(iproto.KeyTuple) || len(list(iproto.KeyKey)) == 0 {
			return nil, "a DELETE without a key"
		}
		return Delete{Space: space, SpaceID: spaceID, Index: index, IndexID: indexID, Key: key()}, ""
	case iproto.TypeUpdate, iproto.TypeUpsert:
		opsKey := iproto.KeyTuple
		if h.Type == iproto.TypeUpsert {
			opsKey = iproto.KeyOps
		}
		if missing(iproto.KeyTuple, opsKey) || h.Type == iproto.TypeUpdate && (len(list(iproto.KeyKey)) == 0 || body.Has(iproto.KeyOps)) || h.Type == iproto.TypeUpsert && body.Has(iproto.KeyKey) {
			return nil, "an UPDATE or UPSERT without key or operations"
		}
		ops, ok := goldenOps(list(opsKey))
		if !ok {
			return nil, "malformed operations"
		}
		if body.Uint(iproto.KeyIndexBase) != 0 {
			return nil, "fields counted from 1"
		}
		if h.Type == iproto.TypeUpsert {
			return Upsert{Space: space, SpaceID: spaceID, Tuple: list(iproto.KeyTuple), Ops: ops}, ""
		}
		return Update{Space: space, SpaceID: spaceID, Index: index, IndexID: indexID, Key: key(), Ops: ops}, ""
	case iproto.TypeCall:
		if missing(iproto.KeyFunctionName, iproto.KeyTuple) {
			return nil, "a CALL without a name"
		}
		return Call{body.String(iproto.KeyFunctionName), list(iproto.KeyTuple)}, ""
	case iproto.TypeCall16:
		return Call16{body.String(iproto.KeyFunctionName), list(iproto.KeyTuple)}, ""
	case iproto.TypeEval:
		return Eval{body.String(iproto.KeyExpr), list(iproto.KeyTuple)}, ""
	case iproto.TypeExecute:
		return Execute{Statement: body.String(iproto.KeySQLText), ID: body.Uint(iproto.KeyStmtID), Args: list(iproto.KeySQLBind)}, ""
	case iproto.TypePrepare:
		return Prepare{Statement: body.String(iproto.KeySQLText), ID: body.Uint(iproto.KeyStmtID)}, ""
	case iproto.TypePing:
		return Ping{}, ""
	case iproto.TypeBegin:
		if body.Float(iproto.KeyTimeout) < 0 {
			return nil, "a negative timeout"
		}
		return Begin{Isolation: Isolation(body.Uint(iproto.KeyTxnIsolation)), Timeout: time.Duration(body.Float(iproto.KeyTimeout) * float64(time.Second))}, ""
	case iproto.TypeCommit:
		return Commit{}, ""
	case iproto.TypeRollback:
		return Rollback{}, ""
	case iproto.TypeAuth:
		return nil, "an AUTH, which is the link's"
	}
	return nil, "a request of type " + h.Type.String()
}

// goldenOps makes operations of their recorded form.
func goldenOps(list []any) (ops []Op, ok bool) {
	for _, e := range list {
		parts, ok := e.([]any)
		if !ok || len(parts) < 3 || len(parts) > 5 {
			return nil, false
		}
		code, isString := parts[0].(string)
		if !isString || len(code) != 1 {
			return nil, false
		}
		o := Op{code: code[0], argc: len(parts) - 2}
		copy(o.args[:], parts[2:])
		switch field := parts[1].(type) {
		case int64:
			o.number = int(field)
		case string:
			if o.named, o.name = true, field; field == "" {
				return nil, false
			}
		default:
			return nil, false
		}
		ops = append(ops, o)
	}
	return ops, true
}

// TestGoldenValues writes again every value that was recorded, which gives the
// same bytes, or, where they were not the shortest, the same value.
func TestGoldenValues(t *testing.T) {
	same, other := 0, 0
	eachGolden(t, func(where string, step goldenStep) {
		for _, text := range append([]string{step.Send}, step.Recv...) {
			if text == "" || step.Raw != nil {
				continue
			}
			r := mp.NewReader(unhex(t, where, text))
			r.Skip() // the header
			if r.Len() == 0 || step.Request == nil {
				continue
			}
			for n := r.MapLen(); n > 0 && r.Err() == nil; n-- {
				r.Skip()
				raw := r.Raw()
				if r.Err() != nil {
					break
				}
				in := mp.NewReader(raw)
				v := in.Value()
				if in.Err() != nil {
					t.Errorf("%s: %v", where, in.Err())
					continue
				}
				b, err := mp.AppendValue(nil, v)
				if err != nil {
					t.Errorf("%s: %v", where, err)
					continue
				}
				if bytes.Equal(b, raw) {
					same++
					continue
				}
				other++
				out := mp.NewReader(b)
				if w := out.Value(); out.Err() != nil || fmt.Sprintf("%v", w) != fmt.Sprintf("%v", v) {
					t.Errorf("%s: %v has become %v, %v", where, v, w, out.Err())
				}
			}
		}
	})
	t.Logf("%d values are the same bytes, %d are written in another form", same, other)
	if same < 10000 {
		t.Error("these are fewer than there were")
	}
}
