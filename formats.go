package tnt

import (
	"sync"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// formats is how the rows of an answer are named.
type formats struct {
	main *schema.Format // of rows that are plain arrays
	// settings are what rows are read by, with the formats of tuples that name theirs,
	// anywhere in the answer.
	settings *mp.Settings
}

// formats returns the names that came with the answer, or are known otherwise.
func (r Response) formats(body *wire.Body) (formats, error) {
	return formatsOf(body, r.format, r.settings)
}

func formatsOf(body *wire.Body, known *schema.Format, settings *mp.Settings) (f formats, err error) {
	f.main, f.settings = known, settings
	if body.Has(iproto.KeyMetadata) {
		if f.main, err = columnFormats.of(body.Raw(iproto.KeyMetadata), parseColumnFormat); err != nil {
			return f, err
		}
	}
	if body.Has(iproto.KeyTupleFormats) {
		var came *mp.Settings
		came, err = tupleFormats.of(body.Raw(iproto.KeyTupleFormats), parseTupleFormats)
		f.settings = settings.WithFormatsOf(came)
	}
	return f, err
}

// parseCache remembers what was made of bytes that come again and again: the columns
// of a statement, the formats of tuples.
type parseCache[T any] struct {
	mu sync.RWMutex
	m  map[string]T
}

var (
	columnFormats parseCache[*schema.Format]
	tupleFormats  parseCache[*mp.Settings]
)

// The bounds of what is remembered. Beyond the number of entries all are
// forgotten: that is rare, and what is in use is soon there again.
const (
	parsedEntries = 512
	parsedBytes   = 16 << 10 // of one
)

// of returns what parse makes of raw.
func (p *parseCache[T]) of(raw []byte, parse func([]byte) (T, error)) (T, error) {
	p.mu.RLock()
	v, ok := p.m[string(raw)]
	p.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := parse(raw)
	if err != nil || len(raw) > parsedBytes {
		return v, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil || len(p.m) >= parsedEntries {
		p.m = make(map[string]T)
	}
	p.m[string(raw)] = v
	return v, nil
}

func parseColumnFormat(raw []byte) (*schema.Format, error) {
	columns, err := parseColumns(mp.NewReader(raw))
	if err != nil {
		return nil, err
	}
	fields := make([]schema.Field, len(columns))
	for i, c := range columns {
		fields[i] = schema.Field{Name: c.Name, Type: c.Type, IsNullable: c.IsNullable}
	}
	return schema.NewFormat(fields...), nil
}

func parseTupleFormats(raw []byte) (*mp.Settings, error) {
	r := mp.NewReader(raw)
	byID := mp.Formats{}
	for range r.MapLen() {
		id := r.Uint()
		format := r.Raw()
		if r.Err() != nil {
			break
		}
		f, err := schema.ParseFormat(format)
		if err != nil {
			return nil, err
		}
		byID[id] = f
	}
	return mp.SettingsOf(byID), r.Err()
}

// findRows has r, a Reader over an answer, stand before its rows, empty where there are
// none, and returns how the fields of plain ones are named; those of others are
// named by what r knows of formats. Only where names matter and may come with
// the answer is the whole of it looked through.
func findRows(r *mp.Reader, content []byte, format *schema.Format, byName bool) (mp.Format, error) {
	switch {
	case len(content) == 0:
		return format, nil
	case wire.BeginsWithData(content) && (!byName || isOnlyData(content)):
		r.Advance(wire.DataOffset)
		return format, nil
	}
	return searchRows(r, content, format)
}

// isOnlyData reports whether an answer that begins with its rows has nothing
// else.
func isOnlyData(content []byte) bool { return content[0] == 0x81 }

// searchRows is findRows that looks through the whole body.
func searchRows(r *mp.Reader, content []byte, format *schema.Format) (mp.Format, error) {
	settings := r.Settings()
	*r = mp.Reader{}
	var body wire.Body
	if err := body.Decode(content); err != nil || !body.Has(iproto.KeyData) {
		return nil, err
	}
	f, err := formatsOf(&body, format, settings)
	if err != nil {
		return nil, err
	}
	*r = f.settings.Reader(body.Raw(iproto.KeyData))
	return f.main, nil
}
