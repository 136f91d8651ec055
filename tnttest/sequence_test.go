package tnttest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

var numbered = tnttest.Schema{
	Sequences: []tnttest.SequenceDef{
		{Name: "up", Start: 10, Min: 5, Max: 12, Cycle: true},
		{Name: "down", Step: -2, Min: -4, Max: 4},
		{Name: "last", Start: math.MaxInt64},
	},
	Spaces: []tnttest.SpaceDef{
		numberedSpace(520, "own", tnttest.IndexDef{AutoIncrement: true}),
		numberedSpace(521, "cycling", tnttest.IndexDef{Sequence: "up"}),
		numberedSpace(522, "falling", tnttest.IndexDef{Sequence: "down"}),
		numberedSpace(523, "ending", tnttest.IndexDef{Sequence: "last"}),
	},
}

func numberedSpace(id uint32, name string, pk tnttest.IndexDef) tnttest.SpaceDef {
	pk.Name, pk.Parts = "pk", []tnttest.Part{{Name: "id"}}
	return tnttest.SpaceDef{
		ID: id, Name: name, Format: []tnttest.Field{{Name: "v", Type: "any"}, {Name: "id", Type: "integer"}}, Indexes: []tnttest.IndexDef{pk},
	}
}

// sequenceSteps are requests whose answers have numbers of sequences.
func sequenceSteps() (frames [][]byte) {
	put := func(typ iproto.Type, space uint64, tuple ...byte) {
		frames = append(frames, frame(typ, 0, 1, func(w *wire.BodyWriter) {
			w.Uint(iproto.KeySpaceID, space)
			w.Raw(iproto.KeyTuple, append([]byte{0x90 | byte(len(tuple))}, tuple...))
		}))
	}
	const null, a = 0xc0, 1
	for range 2 {
		put(iproto.TypeInsert, 520, a, null)
	}
	put(iproto.TypeInsert, 520, a, 9)
	put(iproto.TypeInsert, 520, a, 4)
	put(iproto.TypeInsert, 520, a, null)
	put(iproto.TypeReplace, 520, a, null)
	put(iproto.TypeInsert, 520, a, 11) // taken
	put(iproto.TypeInsert, 520, a)
	put(iproto.TypeInsert, 520, a, null)
	for range 7 {
		put(iproto.TypeInsert, 521, a, null)
		put(iproto.TypeReplace, 522, a, null)
	}
	for range 2 {
		put(iproto.TypeInsert, 523, a, null)
	}
	frames = append(frames, frame(iproto.TypeUpsert, 0, 1, func(w *wire.BodyWriter) {
		w.Uint(iproto.KeySpaceID, 520)
		w.Raw(iproto.KeyTuple, []byte{0x92, a, null})
		w.Raw(iproto.KeyOps, []byte{0x90})
	}))
	return frames
}

func TestSequencesAsTheRealOnes(t *testing.T) {
	programs, err := tarantool.Find()
	must(t, err)
	if len(programs) == 0 {
		t.Skip("no real Tarantool on PATH nor in TARANTOOL")
	}
	lua, err := numbered.Lua()
	must(t, err)
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) {
			real, err := tarantool.Start(p.Path, lua)
			must(t, err)
			t.Cleanup(func() { _ = real.Close() })
			srv := tnttest.Run(t, tnttest.WithSchema(numbered))
			there, err := golden.Dial(real.Address)
			must(t, err)
			defer there.Close()
			here, err := golden.Dial(srv.Addr())
			must(t, err)
			defer here.Close()
			for i, f := range sequenceSteps() {
				want, err := there.Do(f)
				must(t, err)
				got, err := here.Do(f)
				must(t, err)
				if !p.Version.AtLeast(3, 0, 0) && strings.Contains(want, "ERROR") {
					got, want = codeOf(got), codeOf(want)
				}
				if got != want {
					t.Errorf("step %d: %s\n  got  %s\n  want %s", i, describe(f), got, want)
				}
			}
		})
	}
}

// codeOf leaves of an error's essence what stands before its message.
func codeOf(essence string) string {
	before, _, _ := strings.Cut(essence, `"`)
	return before
}

func TestSequences(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithSchema(numbered))
	own := srv.Space("own")
	for range 3 {
		must(t, own.Insert("x", nil))
	}
	tnttest.AssertTuples(t, own, []any{"x", 1}, []any{"x", 2}, []any{"x", 3})
	must(t, own.Truncate())
	must(t, own.Insert("x", nil))
	tnttest.AssertTuples(t, own, []any{"x", 4})
	if n, err := srv.NextNumber("up"); n != 10 || err != nil {
		t.Errorf("the next number of up: %d, %v", n, err)
	}
	if _, err := srv.NextNumber("nosuch"); err == nil {
		t.Error("a sequence that is not there gave a number")
	}
	for want, def := range map[string]tnttest.SpaceDef{
		`no sequence "nosuch"`: numberedSpace(600, "wrong", tnttest.IndexDef{Sequence: "nosuch"}),
		"one of them":          numberedSpace(600, "wrong", tnttest.IndexDef{Sequence: "up", AutoIncrement: true}),
	} {
		if err := srv.CreateSpace(def); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a space with a wrong sequence: %v, want %s", err, want)
		}
	}
	for i, def := range []tnttest.SequenceDef{{Name: "up"}, {Name: "a", Min: 5, Max: 1}, {Name: "b", Start: -1}} {
		if err := srv.CreateSequence(def); err == nil {
			t.Errorf("the wrong sequence %d was made", i)
		}
	}
	// The members of a replica set go on from each other's numbers.
	rs := tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), tnttest.WithSchema(numbered))
	for i := range 3 {
		must(t, rs.Promote(i))
		must(t, rs.Instance(i).Space("own").Insert(fmt.Sprint(i), nil))
	}
	tnttest.AssertTuples(t, rs.Instance(0).Space("own"), []any{"0", 1}, []any{"1", 2}, []any{"2", 3})
}
