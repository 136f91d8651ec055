package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// following runs `tnt follow` until a line has a text. It returns the lines.
func following(t *testing.T, until string, args ...string) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, w := io.Pipe()
	root := newRootCommand()
	root.SetOut(w)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{"follow"}, args...))
	ended := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(ctx)
		_ = w.Close()
		ended <- err
	}()
	for s := bufio.NewScanner(r); s.Scan(); {
		lines = append(lines, s.Text())
		if strings.Contains(s.Text(), until) {
			break
		}
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, r) }()
	if err := <-ended; err != nil {
		t.Fatalf("%v, after %q", err, lines)
	}
	return lines
}

func TestFollow(t *testing.T) {
	for _, p := range tarantool.Programs(t) {
		s, err := tarantool.StartLogging(p.Path, "{}", `
		    local s = box.schema.space.create('goods', {if_not_exists = true, format = {{name = 'id', type = 'unsigned'}, {name = 'name', type = 'string'}}})
		    s:create_index('pk', {if_not_exists = true})
		    s:replace({1, 'one'})`)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		save := filepath.Join(t.TempDir(), "position")
		lines := following(t, "snapshot end", s.Address, "--save", save)
		if last := lines[len(lines)-1]; !strings.Contains(last, `"op":"insert","space":"goods","space_id":512,"tuple":[1,"one"],"row":{"id":1,"name":"one"}`) {
			t.Errorf("%v: the snapshot: %s", p.Version, last)
		}
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: s.Address})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Eval(t.Context(), `box.begin() box.space.goods:update(1, {{'=', 2, 'uno'}}) box.space.goods:replace({2, 'two'}) box.commit()`); err != nil {
			t.Fatal(err)
		}
		if err := conn.Disconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
		lines = following(t, "two", s.Address, "--save", save)
		if len(lines) != 1 || !strings.Contains(lines[0], `"key":[1],"ops":[["=",1,"uno"]]`) || !strings.Contains(lines[0], `"position":"`) {
			t.Errorf("%v: from where it was left: %q", p.Version, lines)
		}
	}
}

func TestFollowRefuses(t *testing.T) {
	if _, _, err := runCommand(t, "follow", "127.0.0.1:1", "--from", "yesterday"); err == nil || !strings.Contains(err.Error(), "--from is snapshot, now, origin or a position") {
		t.Errorf("%v", err)
	}
	save := filepath.Join(t.TempDir(), "position")
	if _, _, err := runCommand(t, "follow", "127.0.0.1:1", "--mirror", "--save", save); err == nil || !strings.Contains(err.Error(), "--from snapshot or origin") {
		t.Errorf("a mirror that would go on: %v", err)
	}
}

// TestFollowSavesNowhere has a position that can't be saved be an error at once.
func TestFollowSavesNowhere(t *testing.T) {
	srv, err := startEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out strings.Builder
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs([]string{"follow", srv.Addr(), "--save", filepath.Join(t.TempDir(), "nosuch", "position")})
	if err := root.ExecuteContext(ctx); !errors.Is(err, fs.ErrNotExist) || out.Len() > 0 {
		t.Errorf("got %v, printed %q", err, out.String())
	}
	save := filepath.Join(t.TempDir(), "position")
	if err := canSave(save); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(save + "*"); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
