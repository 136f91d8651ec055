package tnt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/tinylib/msgp/msgp"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// maxNestings are values of Options.MaxNesting, 0 the default.
var maxNestings = []int{3, 0, 1000, 10_000}

// lists is a number in n lists in one another, as MessagePack.
func lists(n int) []byte { return append(bytes.Repeat([]byte{0x91}, n), 1) }

// listed is the same as a value.
func listed(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// boundedNesting checks that n levels are taken, that one more is an error that names the
// option, and that the connection is whole afterwards.
func boundedNesting(t *testing.T, conn *tnt.Conn, what string, do func(ctx context.Context, n int) error) {
	t.Helper()
	most := conn.Options().MaxNesting
	if err := do(testContext(t), most); err != nil {
		t.Errorf("%s: %d levels: %.300v", what, most, err)
	}
	err := do(testContext(t), most+1)
	failsWith(t, fmt.Sprintf("%s: %d levels", what, most+1), err, fmt.Sprintf("nested more than %d deep (Options.MaxNesting)", most))
	if err := conn.Ping(testContext(t)); err != nil {
		t.Fatalf("%s: afterwards: %v", what, err)
	}
	if n := conn.Stats().Connects; n != 1 {
		t.Fatalf("%s: the connection was made %d times", what, n)
	}
}

// nestingPeer is a connection with a value of MaxNesting to a fake server, whose answers
// to all but pings have the body.
func nestingPeer(t *testing.T, nesting int) (conn *tnt.Conn, body *atomic.Pointer[[]byte]) {
	t.Helper()
	body = new(atomic.Pointer[[]byte])
	body.Store(&emptyBody)
	addr := fakeServer(t, func(p *peer) {
		p.answerAll(func(h wire.Header) []byte {
			if h.Type == iproto.TypePing {
				return frame(iproto.TypeOK, h.Sync, emptyBody)
			}
			return frame(iproto.TypeOK, h.Sync, *body.Load())
		})
	})
	return toFake(t, addr, func(o *tnt.Options) { o.MaxNesting = nesting }), body
}

// answerOf makes the body of an answer with rows that are MessagePack already.
func answerOf(rows ...[]byte) []byte {
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = append(mp.AppendArrayLen(w.B, len(rows)), slices.Concat(rows...)...)
	return w.End()
}

// boxedTuple is an MP_TUPLE of an array, whose format has the number 1.
func boxedTuple(array []byte) []byte {
	return mp.AppendExt(nil, types.ExtTuple, append([]byte{1}, array...))
}

// withFormat is an answer whose MP_TUPLEs have a format of one field, f.
func withFormat(rows ...[]byte) []byte {
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = append(mp.AppendArrayLen(w.B, len(rows)), slices.Concat(rows...)...)
	w.Key(iproto.KeyTupleFormats)
	w.B = append(w.B, 0x81, 0x01, 0x91, 0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa1, 'f')
	return w.End()
}

// TestNestingOfAnswers decodes rows that are nested as deeply as Options.MaxNesting
// allows, and one level more, in every way that answers are decoded.
func TestNestingOfAnswers(t *testing.T) {
	type doc struct{ In any }
	type named struct {
		In any `tnt:"f"`
	}
	call := tnt.Call{Function: "f"}
	into := func(dst any) func(resp tnt.Response) error {
		return func(resp tnt.Response) error { return resp.Decode(dst) }
	}
	tuple := func(use func(t tnt.Tuple) error) func(resp tnt.Response) error {
		return func(resp tnt.Response) error {
			tuples, err := resp.Tuples()
			if err != nil {
				return err
			}
			return use(tuples[0])
		}
	}
	inner := func(use func(t tnt.Tuple) error) func(resp tnt.Response) error { // of a tuple in a row
		return func(resp tnt.Response) error {
			var rows [][]tnt.Tuple
			if err := resp.Decode(&rows); err != nil {
				return err
			}
			return use(rows[0][0])
		}
	}
	values := func(t tnt.Tuple) error { _, err := t.Values(); return err }
	plain := func(n int) []byte { return answerOf(lists(n)) }
	tagged := func(n int) []byte { return withFormat(boxedTuple(lists(n))) }
	inside := func(n int) []byte { return withFormat(slices.Concat([]byte{0x91}, boxedTuple(lists(n-1)))) }
	same := func(n int) []byte { return withFormat(slices.Concat([]byte{0x91}, boxedTuple(lists(n)))) }
	responses := map[string]struct {
		body func(n int) []byte
		use  func(resp tnt.Response) error
	}{
		"Data":                    {plain, func(r tnt.Response) error { _, err := r.Data(); return err }},
		"Data, tagged":            {tagged, func(r tnt.Response) error { _, err := r.Data(); return err }},
		"Decode of a value":       {plain, into(new(any))},
		"Decode of a list":        {plain, into(new([]any))},
		"Decode of structs":       {plain, into(new([]doc))},
		"Decode of pointers":      {plain, into(new([]*doc))},
		"Decode, tagged":          {tagged, into(new([]named))},
		"Decode of maps, tagged":  {tagged, into(new([]map[string]any))},
		"Decode by UnmarshalMsg":  {plain, into(new(msgp.Raw))},
		"DecodeResults":           {plain, func(r tnt.Response) error { return r.DecodeResults(new(any)) }},
		"String":                  {func(n int) []byte { return answerOf([]byte{1}, slices.Concat([]byte{0x81, 0x01}, lists(n-1))) }, shows},
		"Tuple.Values":            {plain, tuple(values)},
		"Tuple.Values, tagged":    {tagged, tuple(values)},
		"Tuple.At":                {plain, tuple(func(t tnt.Tuple) error { _, err := t.At(-1); return err })},
		"Tuple.Slice":             {plain, tuple(func(t tnt.Tuple) error { _, err := t.Slice(0, 1); return err })},
		"Tuple.Get":               {tagged, tuple(func(t tnt.Tuple) error { _, err := t.Get("f"); return err })},
		"Tuple.Map":               {tagged, tuple(func(t tnt.Tuple) error { _, err := t.Map(); return err })},
		"Tuple.MarshalJSON":       {plain, tuple(func(t tnt.Tuple) error { _, err := t.MarshalJSON(); return err })},
		"Tuple.Decode":            {plain, tuple(func(t tnt.Tuple) error { return t.Decode(new(any)) })},
		"Tuple.Decode of structs": {tagged, tuple(func(t tnt.Tuple) error { return t.Decode(new(named)) })},
		"a tuple in a row":        {same, inner(values)},
		"one in a value": {same, tuple(func(t tnt.Tuple) error {
			v, err := t.At(0)
			if err != nil {
				return err
			}
			return values(v.(tnt.Tuple))
		})},
		"one in a row, as a list": {inside, into(new([][][]any))},
	}
	for _, nesting := range maxNestings {
		conn, body := nestingPeer(t, nesting)
		asked := func(name string, of func(n int) []byte, do func(ctx context.Context) error) {
			t.Helper()
			boundedNesting(t, conn, name, func(ctx context.Context, n int) error {
				b := of(n)
				body.Store(&b)
				return do(ctx)
			})
		}
		for name, c := range responses {
			asked(name, c.body, func(ctx context.Context) error {
				resp, err := conn.Do(ctx, call)
				if err != nil {
					return err
				}
				return c.use(resp)
			})
			asked(name+" of a Batch", c.body, func(ctx context.Context) error {
				result := tnt.Batch(ctx, conn, call, call)[1]
				if result.Err != nil {
					return result.Err
				}
				return c.use(result.Response)
			})
			asked(name+" of a Future", c.body, func(ctx context.Context) error {
				resp, err := conn.Go(ctx, call).Wait(ctx)
				if err != nil {
					return err
				}
				return c.use(resp)
			})
			asked(name+" of an Answer", c.body, func(ctx context.Context) error {
				resp, err := tnt.Do(ctx, tnt.Answer(func(ctx context.Context, req tnt.Request) (tnt.Response, error) {
					return conn.Do(ctx, req)
				}), call)
				if err != nil {
					return err
				}
				return c.use(resp)
			})
		}
		for name, do := range map[string]func(ctx context.Context) error{
			"One":             func(ctx context.Context) error { _, err := tnt.One[any](ctx, conn, call); return err },
			"One of a struct": func(ctx context.Context) error { _, err := tnt.One[doc](ctx, conn, call); return err },
			"OneInto":         func(ctx context.Context) error { return tnt.OneInto(ctx, conn, call, new([]any)) },
			"All":             func(ctx context.Context) error { _, err := tnt.All[any](ctx, conn, call); return err },
			"AllInto":         func(ctx context.Context) error { return tnt.AllInto(ctx, conn, call, new([]doc)) },
			"Two":             func(ctx context.Context) error { _, _, err := tnt.Two[any, any](ctx, conn, call); return err },
			"Rows": func(ctx context.Context) (last error) {
				for _, err := range tnt.Rows[any](ctx, conn, call) {
					last = err
				}
				return last
			},
			"Each": func(ctx context.Context) (last error) {
				for _, err := range tnt.Each[any](ctx, conn, []tnt.Call{call}) {
					last = err
				}
				return last
			},
			"ScanAs": func(ctx context.Context) (last error) {
				for _, err := range tnt.ScanAs[doc](ctx, conn, tnt.Select{SpaceID: 512, Limit: 1}, 0) {
					last = err
				}
				return last
			},
			"Scan": func(ctx context.Context) error {
				for tuple, err := range tnt.Scan(ctx, conn, tnt.Select{SpaceID: 512, Limit: 1}, 0) {
					return errors.Join(err, values(tuple))
				}
				return nil
			},
			"One of an Answer": func(ctx context.Context) error {
				_, err := tnt.One[any](ctx, tnt.Answer(func(ctx context.Context, req tnt.Request) (tnt.Response, error) { return conn.Do(ctx, req) }), call)
				return err
			},
		} {
			asked(name, plain, do)
		}
		asked("nil and an error", func(n int) []byte { return answerOf([]byte{0xc0}, lists(n)) }, func(ctx context.Context) error {
			_, err := tnt.One[any](ctx, conn, call)
			if result := (*tnt.ResultError)(nil); errors.As(err, &result) {
				return nil
			}
			return err
		})
		asked("Fields, Contains and String", plain, func(ctx context.Context) error {
			resp, err := conn.Do(ctx, call)
			if err != nil {
				return err
			}
			return tuple(func(t tnt.Tuple) error {
				seen := 0
				for range t.Fields() {
					seen++
				}
				v, err := t.At(0)
				has, shown := t.Contains(v), strings.Contains(resp.String(), "1")
				if (err == nil) != shown || err == nil && (seen != 1 || !has) {
					return fmt.Errorf("%d fields were seen, Contains is %v, String shows it: %v", seen, has, shown)
				}
				return err
			})(resp)
		})
	}
}

// shows returns what a Response says of itself that it can't be decoded.
func shows(resp tnt.Response) error {
	if text := resp.String(); strings.Contains(text, "nested") {
		return errors.New(text)
	}
	return nil
}

// TestNestingOfPushesAndErrors is that of answers, for what comes besides.
func TestNestingOfPushesAndErrors(t *testing.T) {
	for _, nesting := range maxNestings {
		var body atomic.Pointer[[]byte]
		addr := fakeServer(t, func(p *peer) {
			p.answerAll(func(h wire.Header) []byte {
				switch h.Type {
				case iproto.TypePing:
					return frame(iproto.TypeOK, h.Sync, emptyBody)
				case iproto.TypeEval:
					return frame(iproto.TypeError|iproto.Type(errcode.Readonly), h.Sync, *body.Load())
				}
				return append(frame(iproto.TypeChunk, h.Sync, *body.Load()), frame(iproto.TypeOK, h.Sync, emptyBody)...)
			})
		})
		conn := toFake(t, addr, func(o *tnt.Options) { o.MaxNesting = nesting })
		boundedNesting(t, conn, "a push", func(ctx context.Context, n int) error {
			b := answerOf(lists(n))
			body.Store(&b)
			for push, err := range conn.Go(ctx, tnt.Call{Function: "f"}).Pushes(ctx) {
				if err != nil {
					return err
				}
				_, err = push.Data()
				return err
			}
			return errors.New("there was no push")
		})
		// An error whose fields can't be read has its code and its message.
		most := conn.Options().MaxNesting
		for n, has := range map[int]bool{most: true, most + 1: false} {
			w := wire.NewBody(nil)
			w.String(iproto.KeyError24, "read-only")
			w.Key(iproto.KeyError)
			w.B = append(w.B, 0x81, 0x00, 0x91, 0x82, 0x05, byte(errcode.Readonly), 0x06, 0x81, 0xa1, 'f')
			w.B = append(w.B, lists(n)...)
			b := w.End()
			body.Store(&b)
			_, err := conn.Eval(testContext(t), "")
			var e *tnt.Error
			if !errors.Is(err, errcode.Readonly) || !errors.As(err, &e) || (e.Fields["f"] != nil) != has {
				t.Errorf("%d levels in an error of %d: %.200v", n, most, err)
			}
			if err := conn.Ping(testContext(t)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestNestingOfEvents is that of answers, for values of keys.
func TestNestingOfEvents(t *testing.T) {
	srv := embedded(t)
	for _, nesting := range maxNestings[:3] { // the server itself has none deeper than 10,000
		conn := connect(t, tnt.Options{Dialer: srv.DialContext, MaxNesting: nesting})
		for name, event := range map[string]func(ctx context.Context) (tnt.Event, error){
			"WatchOnce": func(ctx context.Context) (tnt.Event, error) { return conn.WatchOnce(ctx, "key") },
			"Watch": func(ctx context.Context) (tnt.Event, error) {
				for e, err := range conn.Watch(ctx, "key") {
					return e, err
				}
				return tnt.Event{}, nil
			},
		} {
			for how, use := range map[string]func(e tnt.Event) error{
				"Value":  func(e tnt.Event) error { _, err := e.Value(); return err },
				"Decode": func(e tnt.Event) error { return e.Decode(new(any)) },
			} {
				boundedNesting(t, conn, name+", "+how, func(ctx context.Context, n int) error {
					if err := srv.Broadcast("key", listed(n)); err != nil {
						t.Fatal(err)
					}
					e, err := event(ctx)
					if err != nil {
						return err
					}
					return use(e)
				})
			}
		}
	}
}

// TestMaxNestingIsBounded refuses what would not keep a peer from ending the stack.
func TestMaxNestingIsBounded(t *testing.T) {
	for n, want := range map[int]string{
		-1: "Options.MaxNesting is negative: -1", 10_001: "Options.MaxNesting is 10001: at most 10000 are possible", 10_000: "", 1: "", 0: "",
	} {
		conn, err := tnt.New(tnt.Options{MaxNesting: n})
		switch {
		case want != "":
			failsWith(t, fmt.Sprint(n), err, want)
		case err != nil:
			t.Errorf("%d: %v", n, err)
		case n == 0 && conn.Options().MaxNesting != tnt.DefaultMaxNesting:
			t.Errorf("the default is %d", conn.Options().MaxNesting)
		}
	}
}

// TestAnswersAreNoLarger holds what there is one of for each answer, row or push to its size
// without settings, but for a word of a Response.
func TestAnswersAreNoLarger(t *testing.T) {
	const word = unsafe.Sizeof(uintptr(0))
	if size := unsafe.Sizeof(tnt.Response{}); size > 8+5*word {
		t.Errorf("a Response has %d bytes", size)
	}
	if size := unsafe.Sizeof(tnt.Tuple{}); size > 5*word {
		t.Errorf("a Tuple has %d bytes", size)
	}
	if size := unsafe.Sizeof(mp.Reader{}); size > 9*word {
		t.Errorf("a Reader has %d bytes", size)
	}
}
