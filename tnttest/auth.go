package tnttest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // chap-sha1 is the protocol's own
	"crypto/subtle"
	"encoding/base64"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// papSaltSize is the length of the salt before a hash of pap-sha256.
const papSaltSize = 20

// createUser adds a user with hashes of the password for each method.
func (s *Server) createUser(name, password string) error {
	auth, err := hashes(password)
	if err != nil {
		return err
	}
	if err := s.engine.CreateUser(name, auth, password != ""); err != nil {
		return err
	}
	return nil
}

// hashes returns what is stored of a password, by the name of the method.
func hashes(password string) (map[string][]byte, error) {
	chap := wire.HashChapSHA1(password)
	salt := make([]byte, papSaltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	pap := wire.HashPapSHA256(password, salt)
	return map[string][]byte{
		wire.AuthChapSHA1:  encode64(chap[:]),
		wire.AuthPapSHA256: encode64(append(salt, pap[:]...)),
	}, nil
}

func encode64(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }

// authenticate answers AUTH.
func (c *Conn) authenticate(req *request) reply {
	user := c.srv.engine.User(req.body.String(iproto.KeyUserName))
	r := req.body.Reader(iproto.KeyTuple)
	n := r.ArrayLen()
	if n == 0 && user != nil && user.Name == "guest" {
		c.user = user
		return okReply
	}
	if n < 2 || r.Type() != mp.TypeString {
		return errorReply(errMsgpack("authentication request body"))
	}
	method := r.String()
	var ok bool
	var err *types.Error
	switch method {
	case wire.AuthChapSHA1:
		ok, err = c.checkChap(&r, user)
	case wire.AuthPapSHA256:
		ok, err = checkPap(&r, user)
	default:
		err = memtx.Errorf(errcode.UnknownAuthMethod, "Unknown authentication method '%s'", method)
	}
	switch {
	case err != nil:
		return errorReply(err)
	case !ok && !c.srv.opts.version.AtLeast(2, 11, 0) && user == nil:
		return errorReply(memtx.Errorf(errcode.NoSuchUser, "User '%s' is not found", req.body.String(iproto.KeyUserName)))
	case !ok && !c.srv.opts.version.AtLeast(2, 11, 0):
		return errorReply(memtx.Errorf(errcode.CredsMismatch, "Incorrect password supplied for user '%s'", user.Name))
	case !ok:
		return errorReply(memtx.Errorf(errcode.CredsMismatch, "User not found or supplied credentials are invalid"))
	}
	c.user = user
	return okReply
}

func errAuthRequest(method, why string) *types.Error {
	return memtx.Errorf(errcode.InvalidAuthRequest, "Invalid '%s' request: %s", method, why)
}

// secret reads a scramble or a password: a string or binary data.
func secret(r *mp.Reader) ([]byte, bool) {
	switch r.Type() {
	case mp.TypeString:
		return r.StringBytes(), true
	case mp.TypeBinary:
		return r.Binary(), true
	}
	return nil, false
}

func (c *Conn) checkChap(r *mp.Reader, user *memtx.User) (bool, *types.Error) {
	scramble, ok := secret(r)
	switch {
	case !ok:
		return false, errAuthRequest(wire.AuthChapSHA1, "scramble must be string")
	case len(scramble) != sha1.Size:
		return false, errAuthRequest(wire.AuthChapSHA1, "invalid scramble size")
	}
	if user == nil {
		return false, nil
	}
	hash, err := base64.StdEncoding.DecodeString(string(user.Auth[wire.AuthChapSHA1]))
	if err != nil || len(hash) != sha1.Size {
		return false, nil
	}
	return wire.CheckChapSHA1(scramble, [sha1.Size]byte(hash), c.salt), nil
}

func checkPap(r *mp.Reader, user *memtx.User) (bool, *types.Error) {
	password, ok := secret(r)
	if !ok {
		return false, errAuthRequest(wire.AuthPapSHA256, "password must be string")
	}
	if user == nil {
		return false, nil
	}
	stored, err := base64.StdEncoding.DecodeString(string(user.Auth[wire.AuthPapSHA256]))
	if err != nil || len(stored) <= papSaltSize {
		return false, nil
	}
	hash := wire.HashPapSHA256(string(password), bytes.Clone(stored[:papSaltSize]))
	return subtle.ConstantTimeCompare(hash[:], stored[papSaltSize:]) == 1, nil
}
