package tnttest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
)

// Listen opens an address for each member: network "tcp" and "127.0.0.1:3301"
// for 3301, 3302 and so on, "127.0.0.1:0" for free ports, or "unix" and a
// directory in which the sockets r0.sock, r1.sock and so on are made.
func (rs *ReplicaSet) Listen(network, address string) error {
	for i, m := range rs.members {
		if err := m.bind(network, address, i); err != nil {
			return fmt.Errorf("tnttest: %s: %w", m.name, err)
		}
	}
	return nil
}

// bind gives the member number i its address and listens on it.
func (m *member) bind(network, address string, i int) error {
	if network == "unix" {
		return m.listenOn(network, filepath.Join(address, m.name+".sock"))
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("the port is a number, not %q", text)
	}
	if port != 0 {
		return m.listenOn(network, net.JoinHostPort(host, strconv.Itoa(int(port)+i)))
	}
	// A member that was killed has to get its port back. So it has none of
	// those that the system gives to outgoing connections.
	for range freePortTries {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort)
		if err = m.listenOn(network, net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return nil
		}
	}
	return err
}

const (
	freePortTries = 100
	firstFreePort = 10000
	lastFreePort  = 32768 // Linux's first port of outgoing connections
)

func (m *member) listenOn(network, address string) error {
	addr, err := m.srv.Listen(network, address)
	if err != nil {
		return err
	}
	m.set.mu.Lock()
	defer m.set.mu.Unlock()
	m.network, m.address = network, addr.String()
	return nil
}

// listen opens the address that the member had.
func (m *member) listen() error {
	m.set.mu.Lock()
	network, address := m.network, m.address
	m.set.mu.Unlock()
	if network == "" {
		return nil
	}
	_, err := m.srv.Listen(network, address)
	return err
}
