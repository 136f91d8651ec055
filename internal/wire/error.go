package wire

import (
	"fmt"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// headerCode is what a header holds of an error's code.
const headerCode = 0x7fff

// ServerError makes a *types.Error of the body of an answer whose header says
// that it is an error, or says why it can't. What is in the error's fields is read by
// the settings; where that fails the error has its code and its message alone.
func ServerError(typ iproto.Type, content []byte, settings *mp.Settings) error {
	code := errcode.Code(typ) & headerCode
	var body Body
	if err := body.Decode(content); err != nil {
		return fmt.Errorf("cannot decode the answer: an error with code %d: %w", uint32(code), err)
	}
	if body.Has(iproto.KeyError) {
		r := settings.Reader(body.Raw(iproto.KeyError))
		if e := mp.DecodeError(&r); e != nil && r.Err() == nil {
			if e.Code&headerCode != code { // it may be 0
				e.Code = code
			}
			return e
		}
	}
	return &types.Error{Type: "ClientError", Message: body.String(iproto.KeyError24), Code: code}
}
