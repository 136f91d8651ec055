package wire

import (
	"crypto/sha1" //nolint:gosec // chap-sha1 is the protocol's own
	"crypto/sha256"
	"crypto/subtle"
)

// The names of the methods of IPROTO_AUTH.
const (
	AuthChapSHA1  = "chap-sha1"
	AuthPapSHA256 = "pap-sha256"
)

// ChapSHA1 returns the scramble that proves knowledge of a password without
// sending it: sha1(password) xor sha1(salt + sha1(sha1(password))).
func ChapSHA1(password string, salt [SaltSize]byte) []byte {
	step1 := sha1.Sum([]byte(password)) //nolint:gosec // as above
	return xorWithSalted(step1, sha1.Sum(step1[:]), salt)
}

// HashChapSHA1 returns what a server stores of a password: sha1(sha1(password)).
func HashChapSHA1(password string) [sha1.Size]byte {
	step1 := sha1.Sum([]byte(password)) //nolint:gosec // as above
	return sha1.Sum(step1[:])           //nolint:gosec // as above
}

// CheckChapSHA1 reports whether the scramble was made of the password whose
// stored hash is given. The scramble has sha1.Size bytes.
func CheckChapSHA1(scramble []byte, hash [sha1.Size]byte, salt [SaltSize]byte) bool {
	if len(scramble) != sha1.Size {
		return false
	}
	step1 := xorWithSalted([sha1.Size]byte(scramble), hash, salt)
	got := sha1.Sum(step1) //nolint:gosec // as above
	return subtle.ConstantTimeCompare(got[:], hash[:]) == 1
}

func xorWithSalted(a, hash [sha1.Size]byte, salt [SaltSize]byte) []byte {
	salted := sha1.Sum(append(salt[:], hash[:]...)) //nolint:gosec // as above
	out := make([]byte, sha1.Size)
	subtle.XORBytes(out, a[:], salted[:])
	return out
}

// HashPapSHA256 returns what a server stores of a password: sha256(salt + password).
func HashPapSHA256(password string, salt []byte) [sha256.Size]byte {
	return sha256.Sum256(append(append([]byte(nil), salt...), password...))
}
