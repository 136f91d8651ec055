package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// limit is the bare limit: one goroutine keeps c encoded requests in flight on
// one socket, refills its window with one write, and counts the answers'
// frames by their lengths without decoding anything. A client that reads
// and writes by package net can't use less of the CPU for the same requests.
type limit struct {
	conn  net.Conn
	frame []byte
}

// newLimit connects and encodes a select by key of the space of that number.
func newLimit(network, address string, spaceID uint64) (*limit, error) {
	conn, err := dial(network, address)
	if err != nil {
		return nil, err
	}
	frame, err := selectFrame(spaceID, 1)
	return &limit{conn: conn, frame: frame}, err
}

// dial connects and passes over the greeting.
func dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	greeting := make([]byte, wire.GreetingSize)
	if _, err := io.ReadFull(conn, greeting); err != nil {
		return nil, err
	}
	if _, err := base64.StdEncoding.DecodeString(string(greeting[64:108])); err != nil {
		return nil, fmt.Errorf("no greeting: %w", err)
	}
	return conn, nil
}

// selectFrame encodes what selectByKey asks for.
func selectFrame(spaceID, sync uint64) ([]byte, error) {
	b := wire.BeginFrame(nil)
	b = wire.AppendRequestHeader(b, wire.Header{Type: iproto.TypeSelect, Sync: sync})
	w := wire.NewBody(b)
	w.Uint(iproto.KeySpaceID, spaceID)
	w.Uint(iproto.KeyLimit, 1)
	w.Uint(iproto.KeyIterator, 0)
	w.Key(iproto.KeyKey)
	w.B = mp.AppendUint(mp.AppendArrayLen(w.B, 1), 1)
	b = w.End()
	return b, wire.EndFrame(b, 0)
}

// run keeps window requests in flight until the time is over, and returns how
// many were answered.
func (l *limit) run(window int, d time.Duration) (int, error) {
	var out []byte
	for range window {
		out = append(out, l.frame...)
	}
	if _, err := l.conn.Write(out); err != nil {
		return 0, err
	}
	buf := make([]byte, 128<<10)
	done, have, inFlight := 0, 0, window
	deadline := time.Now().Add(d)
	for inFlight > 0 {
		n, err := l.conn.Read(buf[have:])
		if err != nil {
			return done, err
		}
		have += n
		answered := 0
		at := 0
		for have-at >= 5 {
			size := 5 + int(binary.BigEndian.Uint32(buf[at+1:]))
			if have-at < size {
				break
			}
			at += size
			answered++
		}
		have = copy(buf, buf[at:have])
		done += answered
		inFlight -= answered
		if answered > 0 && time.Now().Before(deadline) {
			if _, err := l.conn.Write(out[:answered*len(l.frame)]); err != nil {
				return done, err
			}
			inFlight += answered
		}
	}
	return done, nil
}
