package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// A release is a clone of the repository whose HEAD is the commit to be tagged.
type release struct {
	dir     string
	version string
	modules []mod // each behind those that it requires
}

// prepare clones the repository in tree into dir and commits there what makes
// the modules usable by themselves.
func prepare(ctx context.Context, tree, dir, version string) (*release, error) {
	tree, err := filepath.Abs(tree)
	if err != nil {
		return nil, err
	}
	if _, err := git(ctx, tree, "clone", "--quiet", "--shared", "--no-tags", tree, dir); err != nil {
		return nil, err
	}
	mods, err := publishedModules(dir)
	if err != nil {
		return nil, err
	}
	rel := &release{dir: dir, version: version, modules: mods}
	var sums []string
	for _, m := range mods {
		// The sum of a module is that of its tree as it will be tagged, so those
		// that it requires come first.
		if err := pin(m.file, mods, version); err != nil {
			return nil, err
		}
		if err := rel.write(m, sums); err != nil {
			return nil, err
		}
		own, err := rel.sums(ctx, m)
		if err != nil {
			return nil, err
		}
		sums = append(sums, own...)
	}
	_, err = git(ctx, dir, "-c", "commit.gpgSign=false", "commit", "--quiet", "--all", "--allow-empty",
		"-m", "Release "+version+"\n\nThe modules require each other by this version instead of by their places in the tree.")
	return rel, err
}

// pin makes a go.mod require the version of each of our modules, and drops the
// replaces that lead to them. A replace of anything else is an error, because
// users would not have it.
func pin(file *modfile.File, mods []mod, version string) error {
	for _, r := range slices.Clone(file.Replace) {
		if !isOurs(mods, r.Old.Path) {
			return fmt.Errorf("%s replaces %s, which users of the module would not", file.Module.Mod.Path, r.Old.Path)
		}
		if err := file.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	for _, r := range file.Require {
		if isOurs(mods, r.Mod.Path) {
			if err := file.AddRequire(r.Mod.Path, version); err != nil {
				return err
			}
		}
	}
	file.Cleanup()
	return nil
}

// write writes a module's go.mod, and adds the sums of those of our modules that
// it requires to its go.sum.
func (r *release) write(m mod, sums []string) error {
	text, err := m.file.Format()
	if err != nil {
		return err
	}
	dir := filepath.Join(r.dir, m.dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o644); err != nil {
		return err
	}
	name := filepath.Join(dir, "go.sum")
	old, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(old)), "\n")
	for _, sum := range sums {
		if path, _, _ := strings.Cut(sum, " "); slices.Contains(m.needs(), path) {
			lines = append(lines, sum)
		}
	}
	slices.Sort(lines)
	return os.WriteFile(name, []byte(strings.TrimSpace(strings.Join(lines, "\n"))+"\n"), 0o644)
}

// sums returns the lines of a go.sum for a module as it is in the clone now.
func (r *release) sums(ctx context.Context, m mod) ([]string, error) {
	if _, err := git(ctx, r.dir, "add", "--all"); err != nil {
		return nil, err
	}
	tree, err := git(ctx, r.dir, "write-tree")
	if err != nil {
		return nil, err
	}
	name := filepath.Join(r.dir, ".git", "module.zip")
	if err := r.zip(name, m, tree); err != nil {
		return nil, err
	}
	whole, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	goMod, err := dirhash.Hash1([]string{"go.mod"}, openFile(filepath.Join(r.dir, m.dir, "go.mod")))
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s %s %s", m.path, r.version, whole),
		fmt.Sprintf("%s %s/go.mod %s", m.path, r.version, goMod),
	}, nil
}

// zip writes a module as the Go command makes it of a revision.
func (r *release) zip(name string, m mod, revision string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	dir := m.dir
	if dir == "." {
		dir = ""
	}
	if err := zip.CreateFromVCS(file, m.at(r.version), r.dir, revision, dir); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return file.Close()
}

// publish writes every module, as it is at HEAD, to a module proxy in a
// directory: GOPROXY=file://dir. A version that is not listed is found by those who ask
// for it, and is no newest one.
func (r *release) publish(dir string, listed bool) error {
	for _, m := range r.modules {
		escaped, err := module.EscapePath(m.path)
		if err != nil {
			return err
		}
		at := filepath.Join(dir, escaped, "@v")
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		goMod, err := os.ReadFile(filepath.Join(r.dir, m.dir, "go.mod"))
		if err != nil {
			return err
		}
		files := map[string]string{
			r.version + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, r.version),
			r.version + ".mod":  string(goMod),
		}
		if listed {
			files["list"] = r.version + "\n"
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
		if err := r.zip(filepath.Join(at, r.version+".zip"), m, "HEAD"); err != nil {
			return err
		}
	}
	return nil
}

// tag makes the tags in the clone and fetches them into the repository in tree.
func (r *release) tag(ctx context.Context, tree string) error {
	tags := make([]string, 0, len(r.modules))
	for _, m := range r.modules {
		name := m.tag(r.version)
		if _, err := git(ctx, r.dir, "tag", "--annotate", "-m", m.path+" "+r.version, name, "HEAD"); err != nil {
			return err
		}
		tags = append(tags, "refs/tags/"+name+":refs/tags/"+name)
	}
	_, err := git(ctx, tree, append([]string{"fetch", "--quiet", "--no-tags", r.dir}, tags...)...)
	return err
}

// checkTree refuses to tag what is not committed, what was tagged before, and
// what the changelog does not tell of.
func checkTree(ctx context.Context, tree, version string) error {
	changed, err := git(ctx, tree, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("there are changes that are not committed:\n%s", changed)
	}
	mods, err := publishedModules(tree)
	if err != nil {
		return err
	}
	for _, m := range mods {
		switch old, err := git(ctx, tree, "tag", "--list", m.tag(version)); {
		case err != nil:
			return err
		case old != "":
			return fmt.Errorf("there is a tag %s already", old)
		}
	}
	changelog, err := os.ReadFile(filepath.Join(tree, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if title := "## [" + strings.TrimPrefix(version, "v") + "]"; !bytes.Contains(changelog, []byte(title)) {
		return fmt.Errorf("CHANGELOG.md has no section %q", title)
	}
	return nil
}

// git runs git in a directory and returns what it prints.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return output(ctx, dir, nil, "git", args...)
}

// output runs a command and returns what it prints. Its error has what the
// command had to say.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, &stdout, &stderr)
	}
	return strings.TrimSpace(stdout.String()), nil
}
