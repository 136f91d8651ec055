package box

import "fmt"

// IfNotExists makes Create and Grant do nothing, and return no error, where the
// user, the role or the privilege is there already.
type IfNotExists struct{}

// IfExists makes Drop and Revoke do nothing, and return no error, where the
// user, the role or the privilege is not there. Who is to lose a privilege must
// exist all the same.
type IfExists struct{}

// Password is that of a user to create. It prints as stars, also as an argument
// of a request.
type Password string

// Format implements fmt.Formatter.
func (Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// MarshalText implements encoding.TextMarshaler, for logs in JSON.
func (Password) MarshalText() ([]byte, error) { return []byte("***"), nil }

// CreateOption is a choice of User.Create: Password or IfNotExists.
type CreateOption interface {
	create(options map[string]any)
}

func (p Password) create(options map[string]any)  { options["password"] = p }
func (IfNotExists) create(options map[string]any) { options["if_not_exists"] = true }
