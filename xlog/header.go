package xlog

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/types"
)

// The types of files, as Header.Type has them.
const (
	TypeLog       = "XLOG"
	TypeSnapshot  = "SNAP"
	TypeVinylLog  = "VYLOG"
	TypeVinylRun  = "RUN"
	TypeVinylPage = "INDEX"
)

// maxHeader bounds the text at the start of a file. Tarantool itself reads at
// most 1 KiB and the text of a vclock.
const maxHeader = 16 << 10

// Header is the text at the start of a file.
type Header struct {
	Type     string // TypeLog and so on
	Format   string // "0.12" or "0.13"
	Version  string // of the server, such as "3.8.0-0-gdce7be8a79"; "" before 1.7.7
	Instance uuid.UUID
	// VClock is where the file starts: its first row comes right behind it. Of a
	// snapshot it is the state that the file holds.
	VClock types.VClock
	// PrevVClock is where the log before this one starts, where HasPrev.
	PrevVClock types.VClock
	HasPrev    bool
}

// parseHeader reads the header at the start of b: it returns its length, 0
// where b does not hold all of it.
func parseHeader(b []byte) (h Header, n int, err error) {
	end := bytes.Index(b, []byte("\n\n"))
	if end < 0 {
		return h, 0, nil
	}
	lines := strings.Split(string(b[:end]), "\n")
	if len(lines) < 2 {
		return h, 0, &BlockError{Reason: "the header has no format"}
	}
	h.Type, h.Format = lines[0], lines[1]
	switch h.Type {
	case TypeLog, TypeSnapshot, TypeVinylLog, TypeVinylRun, TypeVinylPage:
	default:
		return h, 0, &BlockError{Reason: fmt.Sprintf("file type %.20q", h.Type)}
	}
	if h.Format != "0.12" && h.Format != "0.13" {
		return h, 0, &BlockError{Reason: fmt.Sprintf("format %.20s", h.Format)}
	}
	for _, line := range lines[2:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return h, 0, &BlockError{Reason: fmt.Sprintf("header line %.60q has no value", line)}
		}
		if err := h.set(name, strings.TrimSpace(value)); err != nil {
			return h, 0, &BlockError{Reason: fmt.Sprintf("header line %.60q", line), Err: err}
		}
	}
	return h, end + 2, nil
}

func (h *Header) set(name, value string) (err error) {
	switch name {
	case "Version":
		h.Version = value
	case "Instance", "Server": // Server: format 0.12
		h.Instance, err = uuid.Parse(value)
	case "VClock":
		h.VClock, err = types.ParseVClock(value)
	case "PrevVClock":
		h.HasPrev = true
		h.PrevVClock, err = types.ParseVClock(value)
	}
	return err // a name unknown here is passed over, as Tarantool does
}
