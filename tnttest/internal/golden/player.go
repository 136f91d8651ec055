package golden

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/gotnt/tnt/internal/wire"
)

// Player is a client that sends whole frames and takes whole answers.
type Player struct {
	conn net.Conn
	r    *bufio.Reader
	salt [wire.SaltSize]byte
}

// Dial connects and reads the greeting.
func Dial(address string) (*Player, error) {
	conn, err := net.DialTimeout("tcp", address, answerTimeout)
	if err != nil {
		return nil, err
	}
	p := &Player{conn: conn, r: bufio.NewReader(conn)}
	b := make([]byte, wire.GreetingSize)
	if _, err := io.ReadFull(p.r, b); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	g, err := wire.DecodeGreeting(b)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p.salt = g.Salt
	return p, nil
}

// Close closes the connection.
func (p *Player) Close() { _ = p.conn.Close() }

const (
	// answerTimeout is how long an answer may take that is due.
	answerTimeout = 5 * time.Second
	// quiet is how long to listen for answers that may come.
	quiet = 100 * time.Millisecond
)

// Send writes bytes.
func (p *Player) Send(b []byte) error {
	_, err := p.conn.Write(b)
	return err
}

// Receive reads the content of one answer.
func (p *Player) Receive(timeout time.Duration) ([]byte, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	head, err := p.r.Peek(5)
	if err != nil {
		return nil, err
	}
	n, size, err := wire.FrameSize(head)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n+int(size))
	_, err = io.ReadFull(p.r, b)
	return b[n:], err
}

// Do sends a request and returns the essence of its answer.
func (p *Player) Do(frame []byte) (string, error) {
	b, err := p.DoRaw(frame)
	if err != nil {
		return "", err
	}
	return Essence(b), nil
}

// DoRaw sends a request and returns the content of its answer.
func (p *Player) DoRaw(frame []byte) ([]byte, error) {
	if err := p.Send(frame); err != nil {
		return nil, err
	}
	return p.Receive(answerTimeout)
}

// Play plays a scenario to a server and returns how the answers to its steps
// differ, by the numbers of the steps.
func Play(address string, s Scenario) (map[int]string, error) {
	players := map[string]*Player{}
	defer func() {
		for _, p := range players {
			p.Close()
		}
	}()
	wrong := map[int]string{}
	for i, st := range s.Steps {
		if st.Close {
			players[st.Conn].Close()
			delete(players, st.Conn)
			time.Sleep(quiet)
			continue
		}
		p := players[st.Conn]
		if p == nil {
			var err error
			if p, err = Dial(address); err != nil {
				return nil, err
			}
			players[st.Conn] = p
		}
		time.Sleep(time.Duration(st.SleepBefore * float64(time.Second)))
		got, alive := p.step(st)
		if !alive {
			p.Close()
			delete(players, st.Conn)
		}
		if want := essences(st.Recv); fmt.Sprint(got) != fmt.Sprint(want) {
			wrong[i] = fmt.Sprintf("%s %s\n  want %v\n  got  %v", st.Request, st.Note, want, got)
		}
	}
	return wrong, nil
}

func essences(frames []Hex) []string {
	var all []string
	for _, f := range frames {
		n, _, _ := wire.FrameSize(f)
		all = append(all, Essence(f[n:]))
	}
	return all
}

// step sends a request and collects what comes back.
func (p *Player) step(st Step) (got []string, alive bool) {
	send := append([]byte(nil), st.Send...)
	if st.Password != nil {
		scramble := wire.ChapSHA1(*st.Password, p.salt)
		copy(send[len(send)-len(scramble):], scramble)
	}
	if len(send) > 0 {
		if err := p.Send(send); err != nil {
			return nil, false
		}
	}
	for range st.Recv {
		b, err := p.Receive(answerTimeout)
		if err != nil {
			return got, errors.Is(err, os.ErrDeadlineExceeded)
		}
		got = append(got, Essence(b))
	}
	if len(send) > 0 && !st.Async && !st.Raw {
		return got, true
	}
	for {
		b, err := p.Receive(quiet)
		if err != nil {
			return got, errors.Is(err, os.ErrDeadlineExceeded)
		}
		got = append(got, Essence(b))
	}
}
