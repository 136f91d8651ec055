package main

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const files = "../../xlog/testdata/"

// runCommand runs the command as main does.
func runCommand(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var stdout, stderr strings.Builder
	root := newRootCommand()
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

func TestCat(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  string
		lines int
		has   string
	}{
		{"all of the users'", files + "logs/plain_closed.xlog", 25, `"space":"fullimage","space_id":518,"tuple":[1,"zz"]`},
		{"system spaces, too", "--show-system " + files + "logs/plain_closed.xlog", 48, `"space":"_space"`},
		{"one space, by its name", "--space fullimage " + files + "logs/plain_closed.xlog", 5, `"type":"DELETE"`},
		{"one space, by its id", "--space 518 " + files + "logs/plain_closed.xlog", 5, `"type":"DELETE"`},
		{"some LSNs", "--from 44 --to 47 " + files + "logs/plain_closed.xlog", 3, `"lsn":46`},
		{"another instance", "--replica 7 " + files + "logs/plain_closed.xlog", 0, ""},
		{"Lua", "--format lua --space fullimage " + files + "logs/plain_closed.xlog", 5, `box.space["fullimage"]:delete({2})`},
		{"a table", "--format table --space fullimage " + files + "logs/plain_closed.xlog", 5, `  DELETE        fullimage             [2]`},
		{"operations in Lua", "--format lua --space events " + files + "logs/plain_closed.xlog", 7, `box.space["events"]:upsert({1, "d"}, {{"=", 2, "e"}})`},
		{"a vinyl run", files + "38/vinyl.run", 2, `"tuple":[2,"d"]`},
		{"vinyl's log", files + "38/vinyl.vylog", 9, `"tuple":[0,{`},
	} {
		out, errs, err := runCommand(t, append([]string{"cat"}, strings.Fields(c.args)...)...)
		if err != nil || errs != "" {
			t.Errorf("%s: %v, %s", c.name, err, errs)
		}
		if n := strings.Count(out, "\n"); c.lines >= 0 && n != c.lines || !strings.Contains(out, c.has) {
			t.Errorf("%s: %d lines, wanted %d with %q:\n%s", c.name, n, c.lines, c.has, out)
		}
	}
}

// A log alone has no names; a snapshot beside it has.
func TestCatTakesNamesFromTheSnapshotBeside(t *testing.T) {
	dir := t.TempDir()
	copyFile := func(name string) {
		text, err := os.ReadFile(filepath.Join(files, "38", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copyFile("unclosed.xlog")
	if out, _, err := runCommand(t, "cat", filepath.Join(dir, "unclosed.xlog")); err != nil || !strings.Contains(out, `"space":"512"`) {
		t.Errorf("%v:\n%s", err, out)
	}
	copyFile("data.snap")
	if out, _, err := runCommand(t, "cat", filepath.Join(dir, "unclosed.xlog")); err != nil || !strings.Contains(out, `"space":"wares"`) {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestCatSaysWhatDamageLost(t *testing.T) {
	path := files + "38/corrupt_body.xlog"
	if out, _, err := runCommand(t, "cat", path); err == nil || !strings.Contains(err.Error(), "at 540: checksum") || strings.Count(out, "\n") != 9 {
		t.Errorf("without --salvage: %v, %d lines", err, strings.Count(out, "\n"))
	}
	out, errs, err := runCommand(t, "cat", "--salvage", "--show-system", path)
	if err == nil || !strings.Contains(errs, "rows 54 to 55 of instance 1 are lost") || strings.Count(out, "\n") != 275 {
		t.Errorf("with --salvage: %v, %q, %d lines", err, errs, strings.Count(out, "\n"))
	}
}

func TestCatVerify(t *testing.T) {
	out, _, err := runCommand(t, "cat", "--verify", files+"logs")
	if err != nil || strings.Count(out, ": sound: ") != 3 {
		t.Errorf("%v:\n%s", err, out)
	}
	out, _, err = runCommand(t, "cat", "--verify", files+"38")
	if err == nil || !strings.Contains(out, "corrupt_crc.xlog: DAMAGED") || !strings.Contains(out, "format 0.99") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestCatOfADirectory(t *testing.T) {
	if _, _, err := runCommand(t, "cat", files+"38"); err == nil || !strings.Contains(err.Error(), "--verify") {
		t.Errorf("%v", err)
	}
}

// A signal ends the context, which nothing but the command itself obeys.
func TestCatEndsWithItsContext(t *testing.T) {
	for _, args := range [][]string{{"cat", files + "logs/plain_closed.xlog"}, {"cat", "--verify", files + "logs"}, {"cat", "--verify", files + "logs/plain_closed.xlog"}} {
		mine := errors.New("my cause")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(mine)
		var out strings.Builder
		root := newRootCommand()
		root.SetOut(&out)
		root.SetArgs(args)
		if err := root.ExecuteContext(ctx); !errors.Is(err, mine) || strings.Count(out.String(), "\n") > 1 {
			t.Errorf("%q: %v, after\n%s", args, err, out.String())
		}
	}
}

// A row whose checksum is right and whose body can't be read is damage, too.
func TestCatSalvagesBehindABadBody(t *testing.T) {
	block := []byte("\x82\x00\x02\x03\x01\x82\x10\xa1x\x21\x91\x01" + "\x82\x00\x02\x03\x02\x82\x10\xcd\x02\x00\x21\x91\x02") // the id of its space is a string
	file := append([]byte("XLOG\n0.13\nVClock: {}\n\n"), 0xd5, 0xba, 0x0b, 0xab, byte(len(block)), 0, 0xce)
	file = binary.BigEndian.AppendUint32(file, ^crc32.Update(math.MaxUint32, crc32.MakeTable(crc32.Castagnoli), block))
	file = append(append(file, 0xa7, 0, 0, 0, 0, 0, 0, 0), block...)
	path := filepath.Join(t.TempDir(), "a.xlog")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := runCommand(t, "cat", path); err == nil || !strings.Contains(err.Error(), "row 1") || out != "" {
		t.Errorf("without --salvage: %v, %s", err, out)
	}
	out, errs, err := runCommand(t, "cat", "--salvage", path)
	if err == nil || !strings.Contains(errs, "row 1") || !strings.Contains(out, `"lsn":2`) {
		t.Errorf("with --salvage: %v, %q, %s", err, errs, out)
	}
}
