package memtx

import (
	"encoding/base64"
	"math"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// Select is a request to read an index.
type Select struct {
	Space, Index  uint32
	Iterator      uint64
	Offset, Limit uint64
	Key           []byte // an array
	AfterPosition []byte // as FetchPosition returned it, nil or empty: none
	AfterTuple    []byte // an array, nil: none
	FetchPosition bool
}

// Selected is what a Select found.
type Selected struct {
	Space    *Space
	Tuples   [][]byte
	Position []byte // nil: none
}

// Select reads an index in the transaction, nil for none, as the user.
func (e *Engine) Select(t *Txn, u *User, req *Select) (Selected, *Error) {
	var out Selected
	after := req.AfterPosition
	if req.AfterTuple != nil && after == nil {
		var err *Error
		if after, err = e.TuplePosition(req.Space, req.Index, req.AfterTuple); err != nil {
			return out, err
		}
	}
	if req.Iterator >= uint64(iteratorMax) {
		return out, IllegalParams("Invalid iterator type")
	}
	it := Iterator(req.Iterator)
	sp, err := e.Space(req.Space)
	if err != nil {
		return out, err
	}
	if err := e.checkAccess(u, sp, PrivRead); err != nil {
		return out, err
	}
	ix, err := sp.index(req.Index)
	if err != nil {
		return out, err
	}
	key, count := few(req.Key, maxKeyParts)
	if err := ix.checkIterator(it, key, count); err != nil {
		return out, err
	}
	pos, err := ix.unpackPosition(after, key, it)
	if err != nil {
		return out, err
	}
	if t != nil {
		if err := t.checkSpace(sp); err != nil {
			return out, err
		}
	}
	if ix.Def.Type == Hash && pos != nil || sp.source != nil && pos != nil {
		return out, errUnsupportedIndexFeature(ix, "pagination")
	}
	out.Space = sp
	emit := func(r *row) { out.Tuples = append(out.Tuples, r.data) }
	last := e.scan(t, u, ix, it, key, pos, req.Offset&math.MaxUint32, req.Limit&math.MaxUint32, emit)
	if !req.FetchPosition {
		return out, nil
	}
	if ix.Def.Type == Hash || sp.source != nil {
		return out, errUnsupportedIndexFeature(ix, "pagination")
	}
	if len(out.Tuples) > 0 {
		out.Position = packPosition(ix.cmp.key(last))
	}
	return out, nil
}

// maxKeyParts is more than any key has (BOX_INDEX_PART_MAX).
const maxKeyParts = 255

// checkSpace reports whether the transaction can go on with a read of the space.
func (t *Txn) checkSpace(sp *Space) *Error {
	if err := t.check(); err != nil {
		return err
	}
	if t.level == IsolationLinearizable {
		return Errorf(errcode.Unsupported, "space \"%s\" does not support linearizable operations", sp.Def.Name)
	}
	return nil
}

// checkIterator reports whether the index has the iterator and can take the key.
// count is the number of its parts, of which there may be too many to split.
func (ix *Index) checkIterator(it Iterator, key [][]byte, count int) *Error {
	switch it {
	case IterAll, IterEq, IterGT:
	case IterReq, IterLT, IterLE, IterGE, IterNP, IterPP:
		if ix.Def.Type != Hash {
			break
		}
		fallthrough
	default:
		return errUnsupportedIndexFeature(ix, "requested iterator type")
	}
	parts := ix.key.parts
	if (it == IterNP || it == IterPP) && 0 < count && count <= len(parts) && parts[count-1].Coll != nil {
		return errUnsupportedIndexFeature(ix, "requested iterator type along with collation")
	}
	switch {
	case count == 0 && (ix.Def.Type == Tree || it == IterAll || it == IterGT):
		return nil
	case count > len(parts):
		return Errorf(errcode.KeyPartCount, "Invalid key part count (expected [0..%d], got %d)", len(parts), count)
	case ix.Def.Type == Hash && count < len(parts):
		return Errorf(errcode.PartialKey, "HASH index  does not support selects via a partial key (expected %d parts, got %d). "+
			"Please Consider changing index type to TREE.", len(parts), count)
	}
	return ix.key.validate(key, true)
}

// checkExactKey reports whether the key tells one row.
func (ix *Index) checkExactKey(key [][]byte, count int) *Error {
	if !ix.Def.Unique {
		return Errorf(errcode.MoreThanOneTuple, "Get() doesn't support partial keys and non-unique indexes")
	}
	if count != len(ix.key.parts) {
		return Errorf(errcode.ExactMatch, "Invalid key part count in an exact match (expected %d, got %d)",
			len(ix.key.parts), count)
	}
	return ix.key.validate(key, false)
}

// packPosition encodes a place in an index: the key of a tuple with that of
// the primary index behind, in Base64.
func packPosition(key [][]byte) []byte {
	raw := encodeKey(key)
	out := make([]byte, base64.RawStdEncoding.EncodedLen(len(raw)))
	base64.RawStdEncoding.Encode(out, raw)
	return out
}

func errPosition() *Error { return Errorf(errcode.IteratorPosition, "Iterator position is invalid") }

// unpackPosition decodes a position and checks that a scan with the iterator
// and the key can come by it.
func (ix *Index) unpackPosition(packed []byte, key [][]byte, it Iterator) ([][]byte, *Error) {
	if len(packed) == 0 {
		return nil, nil
	}
	raw := decodeBase64(packed)
	r := mp.NewReader(raw)
	if r.Type() != mp.TypeArray {
		return nil, errPosition()
	}
	r.Skip()
	if r.Err() != nil || r.Len() > 0 {
		return nil, errPosition()
	}
	pos, _ := few(raw, maxKeyParts)
	if len(pos) != len(ix.cmp.parts) || ix.cmp.validate(pos, true) != nil {
		return nil, errPosition()
	}
	if ix.Def.Type == Tree {
		c := ix.cmp.compareKeys(pos, key)
		if it.direction()*c < 0 || it.exact() && c != 0 {
			return nil, errPosition()
		}
	}
	return pos, nil
}

// decodeBase64 passes over what is not of the alphabet, as the server does.
func decodeBase64(s []byte) []byte {
	kept := make([]byte, 0, len(s))
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '+', c == '/':
			kept = append(kept, c)
		}
	}
	if len(kept)%4 == 1 {
		kept = kept[:len(kept)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(kept)))
	n, _ := base64.RawStdEncoding.Decode(out, kept)
	return out[:n]
}

// TuplePosition returns the place that a tuple has, or would have, in an index.
func (e *Engine) TuplePosition(space, index uint32, tuple []byte) ([]byte, *Error) {
	sp, err := e.Space(space)
	if err != nil {
		return nil, err
	}
	ix, err := sp.index(index)
	if err != nil {
		return nil, err
	}
	given := sp.format.row(tuple)
	key := make([][]byte, len(ix.cmp.parts))
	for i, p := range ix.cmp.parts {
		switch v := given.field(p.Field); {
		case v != nil:
			key[i] = v
		case p.Nullable:
			key[i] = []byte{0xc0}
		default:
			return nil, errPosition()
		}
	}
	if ix.cmp.validate(key, true) != nil {
		return nil, errPosition()
	}
	return packPosition(key), nil
}
