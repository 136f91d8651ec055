package tnt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// inFlight starts a request that the server answers once end is closed.
func inFlight(b *bubble, c *tnt.Conn) (f *tnt.Future, end chan struct{}) {
	end = make(chan struct{})
	b.srv.Handle("wait", func(*tnttest.Call) ([]any, error) {
		<-end
		return []any{1}, nil
	})
	f = c.Go(context.Background(), tnt.Call{Function: "wait"})
	synctest.Wait()
	return f, end
}

// TestCloseGracefulWhileLeaving has CloseGraceful wait for what is in flight on a
// session that no request is sent on any more: because the server announced its
// shutdown, or another CloseGraceful has begun.
func TestCloseGracefulWhileLeaving(t *testing.T) {
	for name, leave := range map[string]func(b *bubble, c *tnt.Conn){
		"a shutdown":             func(b *bubble, _ *tnt.Conn) { _ = b.srv.Shutdown(context.Background()) },
		"another CloseGraceful":  func(_ *bubble, c *tnt.Conn) { _ = c.CloseGraceful(context.Background()) },
		"a shutdown and another": func(b *bubble, c *tnt.Conn) { _ = c.CloseGraceful(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(b *bubble) {
				c := b.connect()
				f, end := inFlight(b, c)
				left := make(chan struct{}, 2)
				if name == "a shutdown and another" {
					go func() { _ = b.srv.Shutdown(context.Background()) }()
					synctest.Wait()
				}
				go func() {
					leave(b, c)
					left <- struct{}{}
				}()
				synctest.Wait()
				if c.IsConnected() {
					t.Fatal("the session is not left")
				}
				closed := make(chan error, 1)
				go func() { closed <- c.CloseGraceful(context.Background()) }()
				synctest.Wait()
				close(end)
				if _, err := f.Wait(context.Background()); err != nil {
					t.Errorf("what was in flight: %v", err)
				}
				if err := <-closed; err != nil {
					t.Error(err)
				}
				<-left
			})
		})
	}
}

// TestEndsWhileLeaving has Drop and Close end at once what is in flight on a session
// whose server has announced its shutdown.
func TestEndsWhileLeaving(t *testing.T) {
	mine := errors.New("mine")
	for name, test := range map[string]struct {
		end   func(c *tnt.Conn)
		cause error
	}{
		"Drop":  {func(c *tnt.Conn) { c.Drop(mine) }, mine},
		"Close": {func(c *tnt.Conn) { _ = c.Close() }, tnt.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(b *bubble) {
				c := b.connect(func(o *tnt.Options) { o.DeadAfter = tnt.Never })
				f, end := inFlight(b, c)
				go func() { _ = b.srv.Shutdown(context.Background()) }()
				synctest.Wait()
				if c.IsConnected() {
					t.Fatal("the shutdown was not seen")
				}
				test.end(c)
				synctest.Wait()
				select {
				case <-f.Done():
					if _, err := f.Wait(context.Background()); !errors.Is(err, test.cause) || !errors.Is(err, tnt.ErrConnectionLost) {
						t.Errorf("what was in flight: %v", err)
					}
				default:
					t.Error("what was in flight still is")
				}
				close(end)
			})
		})
	}
}
