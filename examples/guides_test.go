package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guideScope is what the blocks of the README and of the guides may use: what
// they import, and the names that the text around them explains.
const guideScope = `package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/cdc"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/pool"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/vshard"
	"github.com/gotnt/tnt/xlog"
)

type (
	User struct {
		ID   uint64
		Name string
		Age  *uint
	}
	Customer struct {
		ID   uint64
		Name string
	}
	Order struct{ ID uint64 }
	Mail  struct{ To string }
)

var (
	address    string
	bucket     uint32
	checkpoint cdc.Checkpoint
	config     vshard.Config
	conn       *tnt.Conn
	customerID uint64
	hook       *tntotel.Hook
	items      []string
	opts       tnt.Options
	p          *pool.Pool
	position   cdc.Position
	router     *vshard.Router
	schema     tnttest.Schema
	selects    []tnt.Select
	servers    []tnt.Options
	sets       []vshard.ReplicaSet
	srv        *tnttest.Server
	users      tnttest.SpaceDef
)

func send(context.Context, *queue.Task[Mail]) error { return nil }

func transfer(*tnt.Stream) error { return nil }

func main() {}

`

// TestGuidesBuild builds the Go code of the README and of the guides, but for the
// page that TestPageBuilds builds. "..." in braces stands for a user's code.
func TestGuidesBuild(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := filepath.Abs("../go.work") // as some are of modules that the examples don't require
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	program.WriteString(guideScope)
	n := 0
	for i, file := range append(pages, "../README.md") {
		if file == page {
			continue
		}
		for _, b := range blocksOf(t, file) {
			n++
			code := strings.ReplaceAll(b.code, "{ ... }", "{ }")
			at := fmt.Sprintf("//line %s:%d\n%s\n", filepath.Base(file), b.line, code)
			if strings.HasPrefix(code, "func ") {
				program.WriteString(at)
				continue
			}
			fmt.Fprintf(&program, "func block%d_%d(ctx context.Context, t *testing.T) error {\n{\n%s}\nreturn nil\n}\n\n", i, b.line, at)
		}
	}
	if n < 25 {
		t.Errorf("found only %d blocks of Go code", n)
	}
	if problems := compile(t, program.String(), workspace); problems != "" {
		t.Errorf("the code of the guides does not build:\n%s", problems)
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// TestLinks has each link of a page to another file lead to one.
func TestLinks(t *testing.T) {
	n := 0
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../bench/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range pages {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range link.FindAllStringSubmatch(withoutCode(string(text)), -1) {
				n++
				if _, err := os.Stat(filepath.Join(filepath.Dir(file), to[1])); err != nil {
					t.Errorf("%s leads to %s: %v", file, to[1], err)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("found only %d links", n)
	}
}

var code = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")

// withoutCode returns a page without what is code in it.
func withoutCode(text string) string { return code.ReplaceAllString(text, "") }
