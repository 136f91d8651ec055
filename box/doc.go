// Package box calls Tarantool's own functions, of the Lua module box: box.info,
// and box.schema.user and box.schema.role, which manage users, roles and
// privileges.
//
//	info, err := box.Info(ctx, conn)
//
//	alice := box.User("alice")
//	err = alice.Create(ctx, conn, box.Password("s3cret"), box.IfNotExists{})
//	err = alice.Grant(ctx, conn, box.Grant{Privileges: "read,write", ObjectType: "space", Object: "tester"})
//
// Every function does one CALL on a tnt.Executor: a connection or a stream. It
// is safe for concurrent use wherever that is. Nothing is built into
// Lua: names and passwords are arguments of the call.
//
// Each change is a transaction of its own (before 3.0 Create and Drop may stop
// half-way). It can't be a part of a stream's: the server aborts a transaction
// that changed users or privileges before the next request, with
// errcode.TransactionYield.
//
// The caller needs the right to call the function, which is that to execute the
// universe, and those for what the function does. Errors are a
// *tnt.RequestError; what the server refused is a *tnt.Error inside, so that
// errors.Is(err, errcode.UserExists) tells one from another. No error holds a
// password.
package box
