package mutationtest

import (
	"bytes"
	"fmt"
	"go/token"
)

// operators are those that another stands in for, by a function.
var operators = []struct {
	name      string
	op, other token.Token
	compares  bool
}{
	{"LSS", token.LSS, token.LEQ, true},
	{"LEQ", token.LEQ, token.LSS, true},
	{"GTR", token.GTR, token.GEQ, true},
	{"GEQ", token.GEQ, token.GTR, true},
	{"ADD", token.ADD, token.SUB, false},
	{"SUB", token.SUB, token.ADD, false},
	{"MUL", token.MUL, token.QUO, false},
	{"QUO", token.QUO, token.MUL, false},
	{"REM", token.REM, token.MUL, false},
	{"AND", token.AND, token.OR, false},
	{"OR", token.OR, token.AND, false},
	{"SHL", token.SHL, token.SHR, false},
	{"SHR", token.SHR, token.SHL, false},
}

const switches = `package %s

import (
	mutantCmp "cmp"
	mutantFmt "fmt"
	mutantOS "os"
	mutantStrconv "strconv"
	mutantAtomic "sync/atomic"
)

var (
	mutantOn, _   = mutantStrconv.Atoi(mutantOS.Getenv("MUTANT"))
	mutantHits, _ = mutantOS.OpenFile(mutantOS.Getenv("MUTANT_HITS"), mutantOS.O_CREATE|mutantOS.O_APPEND|mutantOS.O_WRONLY, 0o600)
	mutantSeen    [%d]mutantAtomic.Bool
)

func isMutant(n int) bool {
	if mutantHits != nil && !mutantSeen[n].Swap(true) {
		mutantFmt.Fprintln(mutantHits, n)
	}
	return n == mutantOn
}

type mutantInteger interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

func mutantAdd[T mutantInteger](n int, v T) T {
	if isMutant(n) {
		return v + 1
	}
	return v
}

func mutantError(n int, err error) error {
	if isMutant(n) {
		return nil
	}
	return err
}
`

// Switch returns the source of the functions that the mutations of a package
// are switched by.
func Switch(pkg string, most int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, switches, pkg, most+1)
	for _, o := range operators {
		params, result := "T mutantInteger](n int, a, b T", "T"
		switch {
		case o.compares:
			params, result = "T mutantCmp.Ordered](n int, a, b T", "bool"
		case o.op == token.SHL || o.op == token.SHR:
			params = "T, U mutantInteger](n int, a T, b U"
		}
		fmt.Fprintf(&b, "\nfunc mutant%s[%s) %s {\n\tif isMutant(n) {\n\t\treturn a %s b\n\t}\n\treturn a %s b\n}\n", o.name, params, result, o.other, o.op)
	}
	return b.Bytes()
}
