// Package golden reads recorded exchanges with a real Tarantool, plays their
// requests to a server and compares the answers. README.md in the folder of
// the recordings gives their form and what is compared.
package golden

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

// Scenario is a line of a recording.
type Scenario struct {
	Name   string            `json:"name"`
	Kind   string            `json:"kind"`
	Schema []json.RawMessage `json:"schema"`
	Steps  []Step            `json:"steps"`
}

// Step is a request and the answers to it.
type Step struct {
	Conn        string          `json:"conn"`
	Send        Hex             `json:"send"`
	Request     json.RawMessage `json:"request"`
	Recv        []Hex           `json:"recv"`
	Async       bool            `json:"async"` // no answer is due
	Raw         bool            `json:"raw"`   // breaks the protocol
	Close       bool            `json:"close"`
	SleepBefore float64         `json:"sleep_before"` // seconds
	Password    *string         `json:"password"`     // AUTH, whose scramble is to be made
	Note        string          `json:"note"`
}

// Hex is bytes in hexadecimal digits.
type Hex []byte

// UnmarshalText reads the digits.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// maxLine is more than the longest line of a recording has.
const maxLine = 16 << 20

// Read reads a file of scenarios.
func Read(path string) (scenarios []Scenario, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var s Scenario
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		scenarios = append(scenarios, s)
	}
	return scenarios, lines.Err()
}
