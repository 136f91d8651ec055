package tnttest

import (
	"errors"
	"fmt"
	"math"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// Ids of the spaces that hold sequences, and what fields they are for.
const (
	sequenceID      = 284
	spaceSequenceID = 340
)

// CreateSequence adds a sequence.
func (s *Server) CreateSequence(def SequenceDef) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createSequence(def)
}

func (s *Server) createSequence(def SequenceDef) error {
	if _, fail := s.engine.Insert(nil, nil, &memtx.Change{Space: sequenceID, Tuple: s.sequenceRow(s.freeSequenceID(), def)}); fail != nil {
		return fmt.Errorf("tnttest: sequence %s: %w", def.Name, fail)
	}
	return nil
}

// NextNumber returns the next number of a sequence, as its next() does.
func (s *Server) NextNumber(sequence string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, fail := s.engine.NextNumber(nil, sequence)
	if fail != nil {
		return 0, fail
	}
	return n, nil
}

// resolved is the definition with Tarantool's defaults.
func (def SequenceDef) resolved() SequenceDef {
	if def.Step == 0 {
		def.Step = 1
	}
	if def.Step > 0 {
		def.Min, def.Max = or(def.Min, 1), or(def.Max, math.MaxInt64)
		def.Start = or(def.Start, def.Min)
	} else {
		def.Min, def.Max = or(def.Min, math.MinInt64), or(def.Max, -1)
		def.Start = or(def.Start, def.Max)
	}
	return def
}

func or(n, otherwise int64) int64 {
	if n == 0 {
		return otherwise
	}
	return n
}

func (s *Server) sequenceRow(id uint32, def SequenceDef) []byte {
	def = def.resolved()
	b := mp.AppendArrayLen(nil, 9)
	b = mp.AppendUint(b, uint64(id))
	b = mp.AppendUint(b, s.owner())
	b = mp.AppendString(b, def.Name)
	for _, n := range []int64{def.Step, def.Min, def.Max, def.Start, 0} {
		b = mp.AppendInt(b, n)
	}
	return mp.AppendBool(b, def.Cycle)
}

// freeSequenceID returns one past the greatest id of a sequence.
func (s *Server) freeSequenceID() uint32 {
	id := uint32(0)
	for _, row := range s.sequences() {
		id = max(id, uint32(number(row[0])))
	}
	return id + 1
}

// sequences returns the rows of _sequence.
func (s *Server) sequences() [][]any {
	c := schemaCall{srv: s}
	rows, err := c.read(&memtx.Select{Space: sequenceID, Iterator: uint64(memtx.IterAll), Limit: allTuples}, nil)
	if err != nil {
		return nil // the space is there, and the server may read it
	}
	return rows
}

// attachSequence gives the first field of index number i its sequence, if it
// has one.
func (s *Server) attachSequence(def SpaceDef, i int, insert func(uint32, []byte, error) error) error {
	ix := def.Indexes[i]
	if !ix.AutoIncrement && ix.Sequence == "" {
		return nil
	}
	switch {
	case i != 0:
		return errors.New("only the primary index, the first, can have a sequence")
	case ix.AutoIncrement && ix.Sequence != "":
		return fmt.Errorf("it has both auto_increment and the sequence %s: one of them is enough", ix.Sequence)
	}
	parts, err := def.resolve(ix.Parts)
	if err != nil || len(parts) == 0 {
		return err
	}
	id, found := s.freeSequenceID(), ix.AutoIncrement
	if found {
		name := def.Name + "_seq"
		if err := insert(sequenceID, s.sequenceRow(id, SequenceDef{Name: name}), nil); err != nil {
			return err
		}
	}
	for _, row := range s.sequences() {
		if !found && row[2] == ix.Sequence {
			id, found = uint32(number(row[0])), true
		}
	}
	if !found {
		return fmt.Errorf("there is no sequence %q", ix.Sequence)
	}
	b := mp.AppendArrayLen(nil, 5)
	b = mp.AppendUint(mp.AppendUint(b, uint64(def.ID)), uint64(id))
	b = mp.AppendBool(b, ix.AutoIncrement)
	b = mp.AppendUint(b, uint64(parts[0].Field-1))
	return insert(spaceSequenceID, mp.AppendString(b, ""), nil)
}
