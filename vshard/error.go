package vshard

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/types"
)

// Errors of a router.
var (
	// ErrNoBucket is that of a call whose bucket no replica set has that can be
	// asked.
	ErrNoBucket = errors.New("vshard: no replica set that can be reached has the bucket")
	// ErrNoInstance is that of a replica set none of whose instances will do.
	ErrNoInstance = errors.New("vshard: no instance will do")
	// ErrClosed is that of a Router that was closed.
	ErrClosed = errors.New("vshard: the router is closed")
)

// Error is an error of module vshard on a storage: a ShardingError. Which of
// the fields it has depends on its name.
type Error struct {
	Name        string // such as "WRONG_BUCKET"
	Code        int    // of vshard's own: 1 is WRONG_BUCKET
	Message     string
	Bucket      uint32
	Destination string // replica set that the bucket is at, by UUID or name
	Master      string // instance that is the master, likewise
	Replica     string // instance that answered, likewise
	ReplicaSet  string // likewise
	Reason      string
}

// Error returns the name and the message.
func (e *Error) Error() string { return "vshard: " + e.Name + ": " + e.Message }

// FunctionError is what the function that was called raised. It was called
// once. errors.Is finds the server's code in it, and tnt.SafeToRetry is false:
// what the function did before is done.
type FunctionError struct {
	Function   string
	ReplicaSet string
	Err        *tnt.Error
}

// Error tells the function and what it raised.
func (e *FunctionError) Error() string {
	return fmt.Sprintf("vshard: %s on %s: %v", e.Function, e.ReplicaSet, e.Err)
}

// Is reports whether target is a code of the error, or of one of its causes.
func (e *FunctionError) Is(target error) bool { return errors.Is(e.Err, target) }

// CallError is the error of a call: where it was and what went wrong last.
type CallError struct {
	Bucket     uint32
	Function   string
	ReplicaSet string // "" where the bucket was not found
	Instance   string // that was asked last, "" for none
	Requests   int    // that were sent
	Err        error
}

// Error tells the call and what went wrong.
func (e *CallError) Error() string {
	at := "nowhere"
	if e.ReplicaSet != "" {
		at = e.ReplicaSet
	}
	if e.Instance != "" {
		at += "/" + e.Instance
	}
	return fmt.Sprintf("vshard: %s with bucket %d at %s, request %d: %v", e.Function, e.Bucket, at, e.Requests, e.Err)
}

// Unwrap returns what went wrong.
func (e *CallError) Unwrap() error { return e.Err }

// parseError reads an error of vshard's. ok is false where it is another's.
func parseError(v luacall.Value) (e *Error, ok bool) {
	e = &Error{}
	kind := ""
	v.Map(func(key string, value luacall.Value) {
		switch key {
		case "type":
			kind = value.Text()
		case "name":
			e.Name = value.Text()
		case "message":
			e.Message = value.Text()
		case "code":
			e.Code = int(value.Int())
		case "bucket_id":
			e.Bucket = uint32(value.Int())
		case "destination":
			e.Destination = value.Text()
		case "master":
			e.Master = value.Text()
		case "replica":
			e.Replica = value.Text()
		case "replicaset":
			e.ReplicaSet = value.Text()
		case "reason":
			e.Reason = value.Text()
		}
	})
	return e, kind == "ShardingError"
}

// parseRaised reads a ShardingError that was raised: its message is JSON then.
func parseRaised(err error) (*Error, bool) {
	var raised *tnt.Error
	if !errors.As(err, &raised) || raised.Code != errcode.ProcLua {
		return nil, false
	}
	var m struct {
		Type, Name, Message, Reason string
		Code                        int
		Bucket                      uint32 `json:"bucket_id"`
	}
	if json.Unmarshal([]byte(raised.Message), &m) != nil || m.Type != "ShardingError" {
		return nil, false
	}
	return &Error{Name: m.Name, Code: m.Code, Message: m.Message, Bucket: m.Bucket, Reason: m.Reason}, true
}

// isUnready reports whether an instance can't serve for reasons of its own: not
// configured yet, switched off, or the user lacks the rights.
func isUnready(err error) bool {
	if e, ok := parseRaised(err); ok {
		return e.Name == "STORAGE_IS_DISABLED"
	}
	var e *tnt.Error
	return errors.As(err, &e) && (e.Code == errcode.NoSuchProc || e.Code == errcode.AccessDenied || e.Code == errcode.NoSuchUser)
}

// serverError makes an error of the map, or the MP_ERROR, that vshard made of
// what a function raised. From 3.x on the real one is in its details.
func serverError(v luacall.Value) *tnt.Error {
	value, err := v.Any()
	if err != nil {
		return &tnt.Error{Type: "LuajitError", Code: errcode.ProcLua, Message: "an error that can't be decoded: " + err.Error()}
	}
	switch e := value.(type) {
	case *types.Error:
		return e
	case map[string]any:
		if details, ok := e["details"].(*types.Error); ok {
			return details
		}
		text, _ := e["message"].(string)
		kind, _ := e["type"].(string)
		code, _ := e["code"].(int64)
		return &tnt.Error{Type: kind, Code: errcode.Code(code), Message: text}
	}
	return &tnt.Error{Type: "LuajitError", Code: errcode.ProcLua, Message: fmt.Sprint(value)}
}
