package tntotel

import "strings"

// withoutLiterals returns an SQL statement with ? in place of each literal, as of
// strings, numbers, blobs and booleans, and without comments, which may hold
// anything. NULL stays, because it is no value. Names, in double quotes too, and
// parameters stay as they are.
func withoutLiterals(statement string) string {
	var b strings.Builder
	b.Grow(len(statement))
	for rest := statement; rest != ""; {
		n, kind := token(rest)
		switch kind {
		case isLiteral:
			b.WriteByte('?')
		case isComment:
			b.WriteByte(' ')
		case isOther:
			b.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return strings.TrimSpace(b.String())
}

type tokenKind int

const (
	isOther tokenKind = iota
	isLiteral
	isComment
)

// token returns the length and the kind of what an SQL text begins with. What is
// not ended goes to the end of the text.
func token(s string) (n int, kind tokenKind) {
	c := s[0]
	switch {
	case c == '\'':
		return quoted(s), isLiteral
	case c == '"':
		return quoted(s), isOther
	case (c == 'x' || c == 'X') && len(s) > 1 && s[1] == '\'':
		return 1 + quoted(s[1:]), isLiteral
	case strings.HasPrefix(s, "--"):
		return upTo(s, "\n"), isComment
	case strings.HasPrefix(s, "/*"):
		return 2 + upTo(s[2:], "*/"), isComment
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		return number(s), isLiteral
	case isNameByte(c), strings.IndexByte("$:@#", c) >= 0: // a name, or a parameter
		n = 1
		for n < len(s) && isNameByte(s[n]) {
			n++
		}
		if word := s[:n]; strings.EqualFold(word, "true") || strings.EqualFold(word, "false") {
			return n, isLiteral
		}
		return n, isOther
	}
	return 1, isOther
}

// quoted returns the length of what is in quotes, in which two stand for one.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != s[0] {
			continue
		}
		if i+1 == len(s) || s[i+1] != s[0] {
			return i + 1
		}
		i++
	}
	return len(s)
}

// number returns the length of a number: 12, 1.5, .5, 1e-5 or 0x1F, with any
// letters that follow, which are no name of their own.
func number(s string) int {
	n := 0
	for n < len(s) {
		exponent := (s[n] == '+' || s[n] == '-') && (s[n-1] == 'e' || s[n-1] == 'E') && !strings.HasPrefix(s, "0x")
		if !isNameByte(s[n]) && s[n] != '.' && !exponent {
			break
		}
		n++
	}
	return n
}

// upTo returns the length of a text up to and with its first end.
func upTo(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isNameByte reports whether a byte may be part of a name, all of UTF-8 beyond
// ASCII being taken for letters.
func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}
