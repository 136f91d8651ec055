package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// prove has modules that know nothing of the tree use the release, from a proxy
// in a directory: one gets all modules and builds every package of theirs, and
// the commands are installed by their paths. All that it needs is made in dir,
// a cache of modules too, so that the version is not found anywhere else later.
func (r *release) prove(ctx context.Context, proxy, dir string, unproved []string) error {
	used := *r
	used.modules = slices.DeleteFunc(slices.Clone(r.modules), func(m mod) bool { return slices.Contains(unproved, m.dir) })
	r = &used
	env, err := userEnv(ctx, proxy, dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	packages, commands, err := r.packages(ctx, env)
	if err != nil {
		return err
	}
	if err := r.useAll(ctx, env, filepath.Join(dir, "module"), packages); err != nil {
		return err
	}
	for _, path := range commands {
		if _, err := output(ctx, dir, env, "go", "install", path+"@"+r.version); err != nil {
			return err
		}
	}
	return nil
}

// useAll makes a module in dir that requires all of ours and imports all of
// their packages.
func (r *release) useAll(ctx context.Context, env []string, dir string, packages []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("package main\n\nimport (\n")
	for _, path := range packages {
		fmt.Fprintf(&text, "\t_ %q\n", path)
	}
	text.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(text.String()), 0o644); err != nil {
		return err
	}
	if _, err := output(ctx, dir, env, "go", "mod", "init", "example.com/user"); err != nil {
		return err
	}
	get := []string{"get"}
	for _, m := range r.modules {
		get = append(get, m.path+"@"+r.version)
	}
	if _, err := output(ctx, dir, env, "go", get...); err != nil {
		return err
	}
	_, err := output(ctx, dir, env, "go", "build", "./...")
	return err
}

// packages lists the packages of the release that a user may import, and its
// commands. It fails where a go.mod or a go.sum lacks anything that they or
// their tests need.
func (r *release) packages(ctx context.Context, env []string) (imports, commands []string, err error) {
	env = append(slices.Clone(env), "GOFLAGS=-mod=readonly -trimpath -modcacherw")
	for _, m := range r.modules {
		if _, err := output(ctx, filepath.Join(r.dir, m.dir), env, "go", "list", "-deps", "-test", "./..."); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", m.path, err)
		}
		list, err := output(ctx, filepath.Join(r.dir, m.dir), env, "go", "list", "-f", "{{.Name}} {{len .GoFiles}} {{.ImportPath}}", "./...")
		if err != nil {
			return nil, nil, err
		}
		for line := range strings.Lines(list) {
			switch words := strings.Fields(line); {
			case words[0] == "main":
				commands = append(commands, words[2])
			case words[1] != "0" && !slices.Contains(strings.Split(words[2], "/"), "internal"):
				imports = append(imports, words[2])
			}
		}
	}
	return imports, commands, nil
}

// userEnv returns the environment of a user's go command. Modules of others come
// from the machine's own cache, or else from where they always come from. The
// sums of ours are not public; those of others were checked by the tree's own.
func userEnv(ctx context.Context, proxy, dir string) ([]string, error) {
	set, err := output(ctx, ".", nil, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return nil, err
	}
	cache, others, _ := strings.Cut(set, "\n")
	// Without "direct", because that would look for github.com/gotnt, a module that
	// there might be as well, and wait for what does not answer.
	others = strings.TrimSuffix(others, ",direct")
	return []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + ",file://" + filepath.ToSlash(cache) + "/cache/download," + others,
		"GOMODCACHE=" + filepath.Join(dir, "modules"),
		"GOBIN=" + filepath.Join(dir, "bin"),
		// -trimpath lets builds of others' packages come from the build cache.
		"GOFLAGS=-mod=mod -trimpath -modcacherw",
		"GOSUMDB=off",
		"GOWORK=off",
		"GOPRIVATE=", "GONOPROXY=", "GONOSUMDB=",
	}, nil
}

// openFile is what dirhash asks for: the same file, whatever its name.
func openFile(path string) func(string) (io.ReadCloser, error) {
	return func(string) (io.ReadCloser, error) { return os.Open(path) }
}
