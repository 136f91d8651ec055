package mp

// Settings are what values are read and written by. They never change. nil stands for
// the defaults.
type Settings struct {
	formats Formats // of MP_TUPLEs
	depth   int     // of what is read or written, where that begins
}

// NewSettings returns the Settings by which values may be nested so deeply, from 1 to
// MaxNesting.
func NewSettings(nesting int) *Settings {
	if nesting == DefaultNesting {
		return nil
	}
	return &Settings{depth: maxDepth - nesting}
}

// Widest are the Settings by which values may be nested as deeply as can be.
var Widest = NewSettings(MaxNesting)

// SettingsOf returns the Settings with the formats of an answer and the defaults.
func SettingsOf(f Formats) *Settings {
	if len(f) == 0 {
		return nil
	}
	return &Settings{formats: f}
}

// WithFormatsOf returns the Settings with the formats that others have.
func (s *Settings) WithFormatsOf(others *Settings) *Settings {
	switch {
	case s == nil:
		return others
	case others == nil:
		return s
	}
	return &Settings{formats: others.formats, depth: s.depth}
}

// Reader returns a Reader over b.
func (s *Settings) Reader(b []byte) Reader {
	r := NewReader(b)
	if s != nil {
		r.ReadBy(s)
	}
	return r
}

// ReadBy has a new Reader read by the Settings, which are not nil.
func (r *Reader) ReadBy(s *Settings) { r.settings, r.depth = s, s.depth }

// Settings returns what the Reader reads by.
func (r *Reader) Settings() *Settings { return r.settings }

// start returns the depth that reading and writing begin with.
func (s *Settings) start() int {
	if s == nil {
		return 0
	}
	return s.depth
}

// format returns a format, nil where there is none of that id.
func (s *Settings) format(id uint64) Format {
	if s == nil {
		return nil
	}
	return s.formats[id]
}
