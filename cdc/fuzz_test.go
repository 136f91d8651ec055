package cdc

import (
	"bufio"
	"context"
	"errors"
	"net"
	"testing"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// FuzzPeer follows a peer that answers with anything: no panic, no
// goroutine left, and memory within the limits.
func FuzzPeer(f *testing.F) {
	all, err := conversations()
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"cluster_A_38", "replay_from_zero_26", "errors26/gap_no_xlog_left_then_write"} {
		c := all[name]
		at := 0
		for i := range c.Frames {
			if typ := c.requestType(i); typ == "SUBSCRIBE" || typ == "FETCH_SNAPSHOT" {
				at = c.Frames[i].Off + c.Frames[i].Len
			}
		}
		f.Add(c.bytes[at:], true)
	}
	snapshot := all["cluster_B_38"].bytes
	f.Add(snapshot[184:6000], false)
	f.Fuzz(func(t *testing.T, answer []byte, subscribe bool) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dialled := false
		served := make(chan struct{})
		dial := func(context.Context, string, string) (net.Conn, error) {
			if dialled {
				cancel()
				return nil, errors.New("once is enough")
			}
			dialled = true
			client, server := net.Pipe()
			go func() {
				defer close(served)
				defer server.Close()
				hostile(server, answer)
			}()
			return client, nil
		}
		opts := Options{MaxTransaction: 1 << 16, MaxPending: 1 << 16, Buffer: 1 << 12, OnState: func(s State) {
			if s.Err != nil {
				cancel() // and don't wait for another attempt
			}
		}}
		if subscribe {
			opts.From = AtPosition(Position{ReplicaSet: uuid.New()})
		}
		feed := Mirror(Stream(ctx, []tnt.Options{{Dialer: dial}}, Options{}))
		feed.opts, _ = opts.withDefaults()
		feed.from = feed.opts.From
		for tx, err := range feed.All() {
			if err != nil {
				break
			}
			if _, err := tx.Checkpoint().MarshalBinary(); err != nil {
				t.Error(err)
			}
		}
		cancel()
		if dialled {
			<-served
		}
	})
}

// hostile answers what comes before the log in order, and then anything.
func hostile(conn net.Conn, answer []byte) {
	greeting := wire.AppendGreeting(nil, wire.Greeting{Version: iproto.Version{Major: 2, Minor: 6}, Protocol: "Binary", UUID: uuid.NewString()})
	if _, err := conn.Write(greeting); err != nil {
		return
	}
	p := &peer{}
	for in := bufio.NewReader(conn); ; {
		row, ok := readFrame(in)
		if !ok {
			return
		}
		var err error
		switch row.Type {
		case iproto.TypeVote:
			err = reply(conn, iproto.TypeOK, p.ballot())
		case iproto.TypeSelect:
			err = reply(conn, iproto.TypeOK, []byte{0x81, byte(iproto.KeyData), 0x90})
		case iproto.TypeOK:
		default:
			_, _ = conn.Write(answer)
			return
		}
		if err != nil {
			return
		}
	}
}
