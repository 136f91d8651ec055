package tnt

import (
	"bytes"
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// What would crash or corrupt an older server is refused before it is sent.

// decimalDigits is how many digits of a decimal servers before 3.5 have room for.
const decimalDigits = 38

// refuseLongDecimals looks for decimals of more digits than an old server has room
// for in the body of a request. The server does not check, and overwrites memory.
func refuseLongDecimals(body []byte, server iproto.Version) error {
	const ext8 = 0xc7 // what a decimal of so many digits is written as
	if server.AtLeast(3, 5, 0) || server == (iproto.Version{}) || bytes.IndexByte(body, ext8) < 0 {
		return nil
	}
	r := mp.NewReader(body)
	for left := 1; left > 0 && r.Err() == nil; left-- {
		switch r.Type() {
		case mp.TypeArray:
			left += r.ArrayLen()
		case mp.TypeMap:
			left += 2 * r.MapLen()
		case mp.TypeExt:
			typ, data := r.Ext()
			if typ != types.ExtDecimal {
				continue
			}
			if d, err := types.DecodeDecimal(data); err == nil && d.NumDigits() > decimalDigits {
				return &FeatureError{What: fmt.Sprintf("decimals of more than %d digits, and one has %d", decimalDigits, d.NumDigits()), Server: server}
			}
		default:
			r.Skip()
		}
	}
	return nil
}
