package examples

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../docs/from-go-tarantool.md"

// scope is what the blocks of the page may use, as the page says.
const scope = `package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/types"
	%s
)

func main() {}

`

// TestPageBuilds builds the Go code of the page for those who come from
// go-tarantool, each block as the body of a function. Variables that a block
// only shows need no use.
func TestPageBuilds(t *testing.T) {
	blocks := blocksOf(t, page)
	if len(blocks) < 70 {
		t.Fatalf("found only %d blocks of Go code in %s", len(blocks), page)
	}
	byModule := map[string][]block{}
	for _, b := range blocks {
		name := "tnt"
		for _, other := range []string{"crud", "queue"} {
			if strings.Contains(b.code, other+".") {
				name = other
			}
		}
		byModule[name] = append(byModule[name], b)
	}
	for name, blocks := range byModule {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join("..", name)); err != nil && name != "tnt" {
				t.Skipf("there is no package %s in this tree", name)
			}
			text := fmt.Sprintf(scope, "")
			if name != "tnt" {
				text = fmt.Sprintf(scope, fmt.Sprintf("%q", "github.com/gotnt/tnt/"+name))
			}
			build(t, text, blocks, name == "crud")
		})
	}
}

// TestBrokenPageFails proves that the builder refuses what does not compile.
func TestBrokenPageFails(t *testing.T) {
	for code, broken := range map[string]bool{
		"x, err := conn.Select(ctx, \"s\", tnt.Key{})": false,
		"err := conn.Sellect(ctx)":                     true,
		"tnt.Select{Spaec: \"s\"}":                     true,
	} {
		problems := compile(t, program(fmt.Sprintf(scope, ""), []block{{line: 1, code: code}}, false), "off")
		if (problems != "") != broken {
			t.Errorf("%s: broken=%t wanted, the compiler says %q", code, broken, problems)
		}
	}
}

// TestPageHasEveryExample holds the headings of the page against the list of
// go-tarantool's examples.
func TestPageHasEveryExample(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("testdata/go-tarantool-examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(list))
	var got []string
	name := regexp.MustCompile("`([a-z_]+\\.Example[A-Za-z_]*)`")
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#### ") {
			for _, found := range name.FindAllStringSubmatch(line, -1) {
				got = append(got, found[1])
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	for _, w := range want {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(g string) bool { return g != w })); n != 1 {
			t.Errorf("%s is there %d times, want once", w, n)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s is no example of go-tarantool", g)
		}
	}
}

// A block is a piece of Go code of a page.
type block struct {
	line int
	code string
}

func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "```go":
			inside = true
			blocks = append(blocks, block{line: i + 2})
		case trimmed == "```":
			inside = false
		case inside:
			blocks[len(blocks)-1].code += line + "\n"
		}
	}
	return blocks
}

func build(t *testing.T, scope string, blocks []block, routers bool) {
	t.Helper()
	if problems := compile(t, program(scope, blocks, routers), "off"); problems != "" {
		t.Errorf("the code of the page does not build:\n%s", problems)
	}
}

// program makes a program of blocks. A block that is a declaration of types is
// one of the program's.
func program(scope string, blocks []block, routers bool) string {
	var b strings.Builder
	b.WriteString(scope)
	tuple := false
	parameters := "ctx context.Context, conn *tnt.Conn, p *pool.Pool, err error"
	if routers {
		parameters += ", routers crud.Client"
	}
	for _, block := range blocks {
		if strings.HasPrefix(block.code, "type Tuple ") {
			tuple = true
			fmt.Fprintf(&b, "//line page:%d\n%s\n", block.line, block.code)
			continue
		}
		fmt.Fprintf(&b, "func block%d(%s) error {\n{\n//line page:%d\n%s\n}\nreturn nil\n}\n\n", block.line, parameters, block.line, block.code)
	}
	if !tuple {
		b.WriteString("type Tuple struct{}\n")
	}
	return b.String()
}

// compile returns what the compiler says against a program, but for what is not
// used. The program is in no file of the tree; workspace is its GOWORK.
func compile(t *testing.T, program, workspace string) string {
	t.Helper()
	dir := t.TempDir()
	real := filepath.Join(dir, "main.go")
	if err := os.WriteFile(real, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("frompage")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "main.go"): real}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", name, "-gcflags=-e", "-o", filepath.Join(dir, "program"), "./frompage")
	cmd.Env = append(os.Environ(), "GOWORK="+workspace)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	var problems []string
	compiled := false
	for line := range strings.Lines(string(out)) {
		switch {
		case strings.Contains(line, "declared and not used"), strings.Contains(line, "imported and not used"):
			compiled = true
		case !strings.HasPrefix(line, "# "):
			problems = append(problems, line)
		}
	}
	if len(problems) == 0 && !compiled {
		return "go build: " + err.Error()
	}
	return strings.Join(problems, "")
}
