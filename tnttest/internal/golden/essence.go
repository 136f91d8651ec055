package golden

import (
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// Essence tells what of an answer must be equal, as text: its status, sync and
// data; of an error the stack's types, codes and messages. The schema's
// version, numbers of formats, files, lines and payloads are left out.
func Essence(content []byte) string {
	r := mp.NewReader(content)
	h, err := wire.DecodeHeader(&r)
	if err != nil {
		return err.Error()
	}
	status := fmt.Sprintf("%v, sync %d", h.Type, h.Sync)
	if r.Len() == 0 {
		return status
	}
	var body wire.Body
	if err := body.Decode(r.Rest()); err != nil {
		return status + ": " + err.Error()
	}
	if h.Type&iproto.TypeError != 0 {
		e := body.Reader(iproto.KeyError)
		return status + ": " + stack(mp.DecodeError(&e))
	}
	var pairs []string
	b := mp.NewReader(r.Rest())
	for range b.MapLen() {
		k, v := iproto.Key(b.Uint()), b.Raw()
		if k != iproto.KeyTupleFormats {
			pairs = append(pairs, k.String()+": "+Text(v))
		}
	}
	sort.Strings(pairs)
	return status + ": " + strings.Join(pairs, ", ")
}

func stack(e *types.Error) string {
	var s []string
	for ; e != nil; e = e.Cause {
		s = append(s, fmt.Sprintf("%s %d %q", e.Type, uint32(e.Code), e.Message))
	}
	return strings.Join(s, " because of ")
}

// Text prints a value so that two print alike if and only if they are the same
// to a client: an MP_TUPLE is the array in it, and the order of keys does not
// count.
func Text(v []byte) string {
	r := mp.NewReader(v)
	switch r.Type() {
	case mp.TypeArray:
		var items []string
		for range r.ArrayLen() {
			items = append(items, Text(r.Raw()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case mp.TypeMap:
		var items []string
		for range r.MapLen() {
			k := Text(r.Raw())
			items = append(items, k+": "+Text(r.Raw()))
		}
		sort.Strings(items)
		return "{" + strings.Join(items, ", ") + "}"
	case mp.TypeExt:
		typ, data := r.Ext()
		if typ == 7 {
			t := mp.NewReader(data)
			t.Skip()
			return Text(t.Rest())
		}
		return fmt.Sprintf("ext %d %x", typ, data)
	case mp.TypeString:
		return fmt.Sprintf("%q", r.String())
	case mp.TypeUint:
		return strconv.FormatUint(r.Uint(), 10)
	case mp.TypeInt:
		return strconv.FormatInt(r.Int(), 10)
	case mp.TypeFloat32:
		return fmt.Sprintf("float %v", r.Float64())
	case mp.TypeFloat64:
		return fmt.Sprintf("double %x", v[1:])
	}
	return hex.EncodeToString(v)
}
