package cdc

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// A peer plays the server's part of a conversation. What the recorded client
// did not ask for it answers in a way that lets the client go on.
type peer struct {
	c *conversation
	t *testing.T
	// cutSnapshot closes each connection where the recorded snapshot ends.
	cutSnapshot bool

	running sync.WaitGroup
	mu      sync.Mutex
	dialled int
	acks    int
}

func (p *peer) dial(context.Context, string, string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialled++
	client, server := net.Pipe()
	p.running.Go(func() { p.serve(server, p.dialled > 1) })
	return client, nil
}

func (p *peer) wait() { p.running.Wait() }

func (p *peer) serve(conn net.Conn, again bool) {
	defer conn.Close()
	if _, err := conn.Write(p.c.frame(0)); err != nil {
		return
	}
	in := bufio.NewReader(conn)
	for at := 1; ; {
		row, ok := readFrame(in)
		if !ok {
			return
		}
		var err error
		switch row.Type {
		case iproto.TypeAuth:
			err = reply(conn, iproto.TypeOK, nil)
		case iproto.TypeVote:
			err = reply(conn, iproto.TypeOK, p.ballot())
		case iproto.TypeSelect:
			err = reply(conn, iproto.TypeOK, []byte{0x81, byte(iproto.KeyData), 0x90})
		case iproto.TypeOK:
			p.checkAck(&row)
		case iproto.TypeFetchSnapshot, iproto.TypeSubscribe:
			if p.denies() { // a right that is missing has to be missing twice
				at = 1
			} else if again && !p.cutSnapshot { // one attempt shows how it ends
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			if p.cutSnapshot {
				at = 1
			}
			at, err = p.play(conn, row.Type.String(), at)
			if p.cutSnapshot {
				return
			}
			if err == nil && row.Type == iproto.TypeSubscribe && strings.Contains(p.c.Meta.Result, "EOF") {
				return
			}
		default:
			p.t.Errorf("the client sends %v", row.Type)
		}
		if err != nil {
			return
		}
	}
}

// denies reports whether the recorded server refused for want of a right.
func (p *peer) denies() bool { return strings.Contains(p.c.Meta.Result, "server error 42") }

// ballot is of a server that has everything, so that the recorded answers are
// what counts.
func (p *peer) ballot() []byte {
	all := types.VClock{}
	for id := range all {
		all[id] = 1 << 60
	}
	b := append([]byte{0x81, byte(iproto.KeyBallot), 0x82}, ballotVClock)
	b = append(replication.AppendVClock(b, all), ballotGC)
	return append(b, 0x80)
}

// checkAck refuses an acknowledgement that could count towards a quorum.
func (p *peer) checkAck(row *replication.Row) {
	p.mu.Lock()
	p.acks++
	p.mu.Unlock()
	body, err := replication.DecodeBody(row.Type, row.Body)
	if err != nil {
		p.t.Errorf("an acknowledgement: %v", err)
	}
	if strings.HasPrefix(p.c.Meta.Server, "2.6") && body.VClock != (types.VClock{}) {
		p.t.Errorf("a server of 2.6 is sent %v", body.VClock)
	}
	if body.VClock[0] != 0 {
		p.t.Errorf("component 0 is acknowledged: %v", body.VClock)
	}
}

// play sends what the server sent after a request, up to the next one.
func (p *peer) play(conn net.Conn, request string, at int) (int, error) {
	for at < len(p.c.Frames) && p.c.requestType(at) != request {
		at++
	}
	for at++; at < len(p.c.Frames); at++ {
		if next := p.c.requestType(at); next == "SUBSCRIBE" {
			return at, nil
		}
		if p.c.Frames[at].Dir != "s2c" {
			continue
		}
		if _, err := conn.Write(p.c.frame(at)); err != nil {
			return at, err
		}
	}
	return at, nil
}

func readFrame(in *bufio.Reader) (replication.Row, bool) {
	head, err := in.Peek(5)
	if err != nil {
		return replication.Row{}, false
	}
	n, size, _ := wire.FrameSize(head)
	frame := make([]byte, n+int(size))
	if _, err := io.ReadFull(in, frame); err != nil {
		return replication.Row{}, false
	}
	r := mp.NewReader(frame[n:])
	row, err := replication.DecodeRow(&r)
	return row, err == nil
}

func reply(conn net.Conn, typ iproto.Type, body []byte) error {
	b := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Type: typ})
	b = append(b, body...)
	if err := wire.EndFrame(b, 0); err != nil {
		return err
	}
	_, err := conn.Write(b)
	return err
}
