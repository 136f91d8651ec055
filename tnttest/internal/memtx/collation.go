package memtx

import (
	"bytes"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Collation is a rule by which strings are ordered.
type Collation struct {
	ID       int
	Name     string
	Type     string // "ICU" or "BINARY"
	Locale   string // "" for the root
	Strength string // "primary", "secondary", "tertiary" or ""

	once     sync.Once
	collator *collate.Collator
	buf      collate.Buffer
}

// icu returns what orders strings, nil for a collation that orders by bytes.
// It is made when it is first needed: most of the collations never are.
func (c *Collation) icu() *collate.Collator {
	c.once.Do(func() {
		if c.Type != "ICU" {
			return
		}
		tag, err := language.Parse(strings.ReplaceAll(c.Locale, "_", "-"))
		if err != nil {
			tag = language.Und
		}
		var options []collate.Option
		switch c.Strength {
		case "primary":
			options = append(options, collate.Loose)
		case "secondary":
			options = append(options, collate.IgnoreCase)
		}
		c.collator = collate.New(tag, options...)
	})
	return c.collator
}

func (c *Collation) compare(a, b []byte) int {
	if icu := c.icu(); icu != nil {
		return icu.Compare(a, b)
	}
	return bytes.Compare(a, b)
}

// key returns bytes that are equal for strings that compare as equal.
func (c *Collation) key(s []byte) []byte {
	icu := c.icu()
	if icu == nil {
		return s
	}
	c.buf.Reset()
	return bytes.Clone(icu.Key(&c.buf, s))
}

// Collation finds a collation by its name, nil where there is none.
func (e *Engine) Collation(name string) *Collation {
	for _, c := range e.collations {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (e *Engine) collationByID(id uint64) *Collation {
	for _, c := range e.collations {
		if uint64(c.ID) == id {
			return c
		}
	}
	return nil
}
