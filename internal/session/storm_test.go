package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// TestStorm cancels, times out, leaves and sends in every way over a small
// write buffer, to a peer that is late, and then ends the session in the midst
// of it. Nobody may get another's answer, or wait for ever.
func TestStorm(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		for round := range 6 {
			s, conn := pair(t, pipe, Config{
				WriteBuffer: 4 << 10, ReadBuffer: 1 << uint(round*3),
				MaxInFlight: round % 2 * 20, WaitInFlight: true,
			})
			go func() {
				var held [][]byte
				for i := 0; ; i++ {
					h, body, err := readFrame(conn)
					if err != nil {
						return
					}
					if held = append(held, answer(wire.Header{Sync: h.Sync}, body)); i%7 > 0 && s.InFlight() > 4 && len(held) < 5 {
						continue
					}
					rand.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
					for _, b := range held {
						if _, err := conn.Write(b); err != nil {
							return
						}
					}
					held = nil
				}
			}()
			var wg sync.WaitGroup
			stop := make(chan struct{})
			for g := range 16 {
				wg.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						if err := stormStep(s, fmt.Sprintf("%d/%d/%s", g, i, strings.Repeat("x", rand.IntN(3000)))); err != nil {
							var lost *LostError
							if !errors.As(err, &lost) {
								t.Error(err)
							}
							return
						}
					}
				})
			}
			timer := time.AfterFunc(time.Second, func() { close(stop) })
			for s.Stats().Requests < 600 && s.Err() == nil && !isClosed(stop) {
				time.Sleep(100 * time.Microsecond)
			}
			switch round % 3 {
			case 0:
				s.Fail(errors.New("mine"))
			case 1:
				_ = conn.Close()
			case 2:
				s.Close()
			}
			wg.Wait()
			if timer.Stop() {
				close(stop)
			}
		}
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// stormStep does one request in a way of chance.
func stormStep(s *Session, want string) error {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if rand.IntN(2) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(300))*time.Microsecond)
	}
	defer cancel()
	if rand.IntN(4) == 0 {
		return stormGroup(ctx, s, want)
	}
	deadline := in(time.Duration(rand.IntN(2)*500) * time.Microsecond)
	slot, err := s.Acquire(ctx, deadline)
	if err != nil {
		return stormError(ctx, err)
	}
	frame := request(slot, want)
	switch rand.IntN(5) {
	case 0:
		r := &receiver{done: make(chan struct{})}
		if err := s.SendAsync(ctx, slot, frame, deadline, r); err != nil {
			return stormError(ctx, err)
		}
		<-r.done
		return checkEcho(r.body, r.err, want)
	case 1:
		s.Release(slot)
		return stormError(ctx, sendPiece(ctx, s, answer(wire.Header{Type: iproto.TypeUnwatch}, nil), deadline))
	case 2:
		if err := s.Send(ctx, slot, frame, deadline); err != nil {
			return stormError(ctx, err)
		}
		giveUp(s, slot)
		return nil
	case 3:
		s.Release(slot)
		return nil
	default:
		if err := s.Send(ctx, slot, frame, deadline); err != nil {
			return stormError(ctx, err)
		}
	}
	if err := s.Wait(ctx, slot, deadline); err != nil {
		return stormError(ctx, err)
	}
	defer s.Release(slot)
	return checkEcho(slot.Body, nil, want)
}

// giveUp gives up a request that was sent, whether its answer is there or not.
func giveUp(s *Session, slot *Slot) {
	if !s.leave(slot) {
		<-slot.done
		s.Release(slot)
	}
}

// stormGroup does several requests as a group, and leaves before its end or
// not.
func stormGroup(ctx context.Context, s *Session, want string) error {
	deadline := in(time.Duration(rand.IntN(2)*500) * time.Microsecond)
	g, err := s.AcquireGroup()
	if err != nil {
		return err
	}
	defer g.Leave()
	n := 1 + rand.IntN(40)
	for i := range n {
		err := add(ctx, g, fmt.Sprint(want, i), deadline)
		if err == nil && rand.IntN(3) == 0 {
			err = g.Send(ctx, deadline)
		}
		if err != nil {
			return stormError(ctx, err)
		}
	}
	if err := g.Send(ctx, deadline); err != nil {
		return stormError(ctx, err)
	}
	for i := range rand.IntN(n + 1) {
		if err := g.Wait(ctx, i, deadline); err != nil {
			if err := stormError(ctx, err); err != nil {
				return err
			}
			continue
		}
		if err := checkGroup(g, i, fmt.Sprint(want, i)); err != nil {
			return err
		}
	}
	return nil
}

// stormError passes over what the caller wanted.
func stormError(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ErrTimeout) || ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return err
}

func checkEcho(b []byte, err error, want string) error {
	if err != nil {
		return err
	}
	var body wire.Body
	if err := body.Decode(b); err != nil {
		return err
	}
	if got := body.String(iproto.KeyExpr); got != want {
		return fmt.Errorf("got the answer %.20q to %.20q", got, want)
	}
	return nil
}

// TestAnswerCutAtEveryByte ends the connection inside an answer.
func TestAnswerCutAtEveryByte(t *testing.T) {
	whole := len(answer(wire.Header{Sync: 1 << indexBits}, []byte{0x81, byte(iproto.KeyExpr), 0xa1, 'x'}))
	for n := range whole {
		s, conn := pair(t, true, Config{ReadBuffer: 1})
		go func() {
			defer conn.Close()
			if h, body, err := readFrame(conn); err == nil {
				_, _ = conn.Write(answer(wire.Header{Sync: h.Sync}, body)[:n])
			}
		}()
		var lost *LostError
		if _, err := ask(t.Context(), s, "x", 0); !errors.As(err, &lost) || !lost.Sent {
			t.Errorf("after %d bytes: %v", n, err)
		}
		s.Close()
	}
}
