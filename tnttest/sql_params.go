package tnttest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// sqlTokens finds the parameters of a statement, and what only looks like some:
// strings, quoted names and comments.
var sqlTokens = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?s:/\*.*?\*/)|\?|[:@#][A-Za-z_]\w*|\$\d+`)

// parameters returns the names of a statement's parameters by their numbers:
// "?" for one without a name. A name that is there twice is one parameter.
func parameters(text string) []string {
	var names []string
	for _, token := range sqlTokens.FindAllString(text, -1) {
		switch token[0] {
		case '\'', '"', '-', '/':
		case '?':
			names = append(names, "?")
		case '$':
			n, err := strconv.Atoi(token[1:])
			if err != nil || n < 1 || n > maxParameters {
				continue
			}
			for len(names) < n {
				names = append(names, "$"+strconv.Itoa(len(names)+1))
			}
		default:
			if !slices.Contains(names, token) {
				names = append(names, token)
			}
		}
	}
	return names
}

func errNoParameter(name string) *types.Error {
	e := memtx.Errorf(errcode.SQLBindNotFound, "Parameter %s was not found in the statement", name)
	e.SetField("parameter", name)
	return e
}

func errTooManyParameters() *types.Error {
	const details = "The number of parameters is too large"
	e := memtx.Errorf(errcode.SQLExecute, "Failed to execute SQL statement: %s", details)
	e.SetField("details", details)
	return e
}

// maxParameters is SQL_BIND_PARAMETER_MAX.
const maxParameters = 65000

// bind gives the parameters their values: an array in the order of their
// numbers, nil for those without one.
func bind(req *request, names []string) ([]byte, *types.Error) {
	values := make([][]byte, len(names))
	if req.body.Has(iproto.KeySQLBind) {
		r := req.body.Reader(iproto.KeySQLBind)
		for i := range r.ArrayLen() {
			raw := r.Raw()
			at, name := i, ""
			if mp.TypeOf(raw[0]) == mp.TypeMap {
				m := mp.NewReader(raw)
				if m.MapLen() == 1 && m.Type() == mp.TypeString {
					name = m.String()
					if name != "" && strings.IndexByte(":@$#", name[0]) >= 0 {
						raw, at = m.Raw(), slices.Index(names, name)
					}
				}
			}
			switch {
			case at < 0:
				return nil, errNoParameter("'" + name + "'")
			case at >= len(values):
				return nil, errTooManyParameters()
			}
			values[at] = raw
		}
		if err := r.Err(); err != nil {
			return nil, errMsgpack(fmt.Sprintf("SQL bind: %v", err))
		}
	}
	b := mp.AppendArrayLen(nil, len(values))
	for _, v := range values {
		if v == nil {
			b = mp.AppendNil(b)
			continue
		}
		b = append(b, v...)
	}
	return b, nil
}
