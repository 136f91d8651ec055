package tnt

import "github.com/gotnt/tnt/iproto"

// Raw is a request of any type with a body that is MessagePack already, for
// proxies and for what the protocol grows next. Response.RawBody has the
// answer's. Names in it are not resolved, and the server's features are not
// asked about.
type Raw struct {
	RequestType iproto.Type
	// Body is one MessagePack map, or empty. It is not changed, and not used
	// after the request was sent.
	Body []byte
}

// Type implements Request.
func (r Raw) Type() iproto.Type { return r.RequestType }

func (r Raw) info() RequestInfo { return RequestInfo{Type: r.RequestType} }

func (r Raw) needs() uint64 { return 0 }

func (r Raw) encode(e *encoder) error { //nolint:unparam // Request has the error
	e.B = append(e.B, r.Body...)
	return nil
}
