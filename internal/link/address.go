package link

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// DefaultPort is that of an address without one.
const DefaultPort = "3301"

// SplitAddress returns the network and the address to dial of an address as
// tnt.Options have it: host and port, or the path of a unix socket.
func SplitAddress(s string) (network, address string, err error) {
	for _, prefix := range []string{"unix/:", "unix:"} {
		if path, ok := strings.CutPrefix(s, prefix); ok {
			if path == "" {
				return "", "", fmt.Errorf("%q has no path of a unix socket", s)
			}
			return "unix", path, nil
		}
	}
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "@") {
		return "unix", s, nil
	}
	if strings.Contains(s, "@") { // unquoted: it may hold a password
		return "", "", errors.New("there is an \"@\" in the address: a user and a password have fields of their own, or use ParseURL")
	}
	if strings.Contains(s, "://") || strings.Contains(s, "?") {
		return "", "", fmt.Errorf("%q is a URL, not an address as host:port or a path: use ParseURL", s)
	}
	host, port, err := SplitHostPort(s)
	if err != nil {
		return "", "", err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", fmt.Errorf("%q in %q is no port from 1 to 65535", port, s)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if strings.ContainsAny(host, " /@?#") {
		return "", "", fmt.Errorf("%q is no host name or IP address", host)
	}
	return "tcp", net.JoinHostPort(host, port), nil
}

// SplitHostPort returns the host and the port of an address without the path of a
// socket.
func SplitHostPort(s string) (host, port string, err error) {
	switch {
	case isPort(s):
		return "", s, nil
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		return s[1 : len(s)-1], DefaultPort, nil
	case !strings.Contains(s, ":"):
		return s, DefaultPort, nil
	case strings.Count(s, ":") > 1 && !strings.HasPrefix(s, "["):
		return "", "", fmt.Errorf("%q has too many colons: write an IPv6 address in brackets, as in [::1]:3301", s)
	}
	host, port, err = net.SplitHostPort(s)
	if err != nil {
		return "", "", fmt.Errorf("%q is no host:port", s)
	}
	return host, port, nil
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
