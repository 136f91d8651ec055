package link

import (
	"context"
	"errors"
	"fmt"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

var (
	errPlainPassword = errors.New("pap-sha256 sends the password itself, and the connection is not encrypted: use TLS, or set Options.AllowPlainPassword")
	errUnknownMethod = errors.New("the server asks for an unknown authentication method")
)

// identify asks for the server's features. One from before 2.10 doesn't know
// the request and has none.
func (l *Link) identify(ctx context.Context, features []iproto.Feature) (authMethod string, err error) {
	w := wire.NewBody(nil)
	w.Uint(iproto.KeyVersion, iproto.ProtocolVersion)
	w.Key(iproto.KeyFeatures)
	w.B = mp.AppendArrayLen(w.B, len(features))
	for _, f := range features {
		w.B = mp.AppendUint(w.B, uint64(f))
	}
	answer, err := l.Exchange(ctx, iproto.TypeID, w.End())
	if errors.Is(err, errcode.UnknownRequestType) || errors.Is(err, errcode.InvalidMsgpack) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var body wire.Body
	if err := body.Decode(answer); err != nil {
		return "", err
	}
	var offered []iproto.Feature
	if body.Has(iproto.KeyFeatures) {
		list := body.Reader(iproto.KeyFeatures)
		for range list.ArrayLen() {
			if f := list.Uint(); f < 64 {
				offered = append(offered, iproto.Feature(f))
			}
			if list.Err() != nil {
				return "", list.Err()
			}
		}
	}
	l.Features = iproto.NewFeatures(int(body.Uint(iproto.KeyVersion)), offered...)
	return body.String(iproto.KeyAuthType), nil
}

// authenticate proves to be the user, by the server's method unless the
// configuration has one.
func (l *Link) authenticate(ctx context.Context, cfg *Config, method string) error {
	if cfg.Auth != "" {
		method = cfg.Auth
	}
	var proof []byte
	switch method {
	case "", wire.AuthChapSHA1:
		method = wire.AuthChapSHA1
		proof = wire.ChapSHA1(cfg.Password, l.Greeting.Salt)
	case wire.AuthPapSHA256:
		if cfg.TLS == nil && cfg.Network != "unix" && !cfg.AllowPlainPassword {
			return errPlainPassword
		}
		proof = []byte(cfg.Password)
	default:
		return fmt.Errorf("%w, %q", errUnknownMethod, method)
	}
	w := wire.NewBody(nil)
	w.String(iproto.KeyUserName, cfg.User)
	w.Key(iproto.KeyTuple)
	w.B = mp.AppendString(mp.AppendArrayLen(w.B, 2), method)
	w.B = mp.AppendStringBytes(w.B, proof)
	_, err := l.Exchange(ctx, iproto.TypeAuth, w.End())
	return err
}
