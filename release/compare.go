package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	gorelease = "golang.org/x/exp/cmd/gorelease@v0.0.0-20261113113407-e3970619a1a4"
	// unreleased is the version that a tree is compared as: it is nobody's.
	unreleased = "v0.0.0-unreleased"
)

// compare tells how the exported API of each module of the HEAD of the repository in
// tree differs from that of a version, and which version should be next. It is told of
// the modules as they would be released, because gorelease heeds no replace: with only
// a replace it would look for the modules that they require where there are none. The
// version is looked for in the proxy first, a directory, and then where modules always
// come from. The modules in the directories of uncompared are left out.
func compare(ctx context.Context, out io.Writer, tree, base, proxy string, uncompared []string) error {
	if err := checkVersion(base); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "tnt-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // the system clears its temporary files
	rel, err := prepare(ctx, tree, filepath.Join(work, "clone"), unreleased)
	if err != nil {
		return err
	}
	if err := rel.publish(proxy, false); err != nil {
		return err
	}
	env, err := userEnv(ctx, proxy, work)
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range rel.modules {
		if slices.Contains(uncompared, m.dir) {
			continue
		}
		fmt.Fprintf(out, "== %s since %s\n", m.path, base)
		told, err := output(ctx, filepath.Join(rel.dir, m.dir), env, "go", "run", gorelease, "-base", base)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.path, err)) // and the others are told of too
			continue
		}
		fmt.Fprintln(out, told)
	}
	return errors.Join(failed...)
}
