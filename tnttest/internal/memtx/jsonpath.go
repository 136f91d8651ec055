package memtx

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/gotnt/tnt/internal/mp"
)

// pathToken is a step of a JSON path.
type pathToken struct {
	kind tokenKind
	num  int32 // from 0
	str  []byte
}

type tokenKind uint8

const (
	tokenNum tokenKind = iota
	tokenStr
	tokenAny // [*]
	tokenEnd
)

func (t pathToken) equal(u pathToken) bool {
	return t.kind == u.kind && t.num == u.num && bytes.Equal(t.str, u.str)
}

// pathLexer splits a JSON path such as a.b[1]["c"] into tokens. Its errors
// are positions in symbols, from 1; 0 is none.
type pathLexer struct {
	src     []byte
	offset  int
	symbols int
}

func (l *pathLexer) eof() bool { return l.offset == len(l.src) }

// symbol reads one symbol.
func (l *pathLexer) symbol() (c rune, bad int) {
	if l.eof() {
		return 0, l.symbols + 1
	}
	c, n := utf8.DecodeRune(l.src[l.offset:])
	l.offset += n
	if c == utf8.RuneError && n == 1 {
		return 0, l.symbols + 1
	}
	l.symbols++
	return c, 0
}

// next reads one token.
func (l *pathLexer) next() (t pathToken, bad int) {
	if l.eof() {
		return pathToken{kind: tokenEnd}, 0
	}
	start := l.offset
	c, bad := l.symbol()
	switch {
	case bad != 0:
		return t, bad
	case c == '[':
		return l.bracket()
	case c == '.':
		if l.eof() {
			return t, l.symbols + 1
		}
		return l.identifier()
	case start != 0:
		return t, l.symbols
	}
	l.offset, l.symbols = start, l.symbols-1
	return l.identifier()
}

// bracket reads what follows a '['.
func (l *pathLexer) bracket() (t pathToken, bad int) {
	if l.eof() {
		return t, l.symbols
	}
	switch c := l.src[l.offset]; c {
	case '"', '\'':
		t, bad = l.quoted(rune(c))
	case '*':
		l.skip(1)
		t.kind = tokenAny
	default:
		t, bad = l.number()
	}
	switch {
	case bad != 0:
		return t, bad
	case l.eof() || l.src[l.offset] != ']':
		return t, l.symbols + 1
	}
	l.skip(1)
	return t, 0
}

func (l *pathLexer) skip(n int) { l.offset, l.symbols = l.offset+n, l.symbols+n }

func (l *pathLexer) quoted(quote rune) (t pathToken, bad int) {
	l.skip(1)
	start := l.offset
	for {
		c, bad := l.symbol()
		switch {
		case bad != 0:
			return t, bad
		case c != quote:
			continue
		}
		str := l.src[start : l.offset-1]
		if len(str) == 0 {
			return t, l.symbols
		}
		return pathToken{kind: tokenStr, str: str}, 0
	}
}

func (l *pathLexer) number() (t pathToken, bad int) {
	n, value := 0, int32(0)
	for l.offset+n < len(l.src) {
		c := l.src[l.offset+n]
		if c < '0' || c > '9' {
			break
		}
		value = value*10 + int32(c-'0')
		n++
	}
	if n == 0 || value < 1 {
		return t, l.symbols + 1
	}
	l.skip(n)
	return pathToken{kind: tokenNum, num: value - 1}, 0
}

func (l *pathLexer) identifier() (t pathToken, bad int) {
	start := l.offset
	c, bad := l.symbol()
	switch {
	case bad != 0:
		return t, bad
	case !unicode.IsLetter(c) && c != '_':
		return t, l.symbols
	}
	for !l.eof() {
		before := l.offset
		c, bad := l.symbol()
		if bad != 0 {
			break
		}
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.Is(unicode.Other_Alphabetic, c) && c != '_' {
			l.offset, l.symbols = before, l.symbols-1
			break
		}
	}
	return pathToken{kind: tokenStr, str: l.src[start:l.offset]}, 0
}

// goToIndex finds a value of an array, or that of a number in a map, from an
// offset of b. It returns the offset of the value.
func goToIndex(b []byte, at int, index int32) (int, bool) {
	switch typeOf(b[at:]) {
	case mp.TypeArray:
		n, rest := array(b[at:])
		if int(index) >= n {
			return 0, false
		}
		for ; index > 0; index-- {
			_, rest = next(rest)
		}
		return len(b) - len(rest), true
	case mp.TypeMap:
		n, rest := mapping(b[at:])
		for ; n > 0; n-- {
			var k []byte
			k, rest = next(rest)
			if t := typeOf(k); t == mp.TypeUint || t == mp.TypeInt {
				if i := readInteger(k); !i.neg && i.abs == uint64(index)+1 {
					return len(b) - len(rest), true
				}
			}
			_, rest = next(rest)
		}
	}
	return 0, false
}

// goToKey finds the value of a string in a map, and where its key starts.
func goToKey(b []byte, at int, key []byte) (value, keyAt int, ok bool) {
	if typeOf(b[at:]) != mp.TypeMap {
		return 0, 0, false
	}
	n, rest := mapping(b[at:])
	for ; n > 0; n-- {
		keyAt = len(b) - len(rest)
		var k []byte
		k, rest = next(rest)
		if typeOf(k) == mp.TypeString && bytes.Equal(text(k), key) {
			return len(b) - len(rest), keyAt, true
		}
		_, rest = next(rest)
	}
	return 0, 0, false
}
