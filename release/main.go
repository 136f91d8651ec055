// Command release makes the tags of a version of every published module of this
// repository: v0.1.0, arrow/v0.1.0, cmd/tnt/v0.1.0 and so on.
//
//	go run . -version v0.1.0        # shows what would be done, and proves it
//	go run . -version v0.1.0 -tag   # makes the tags; pushing them is up to you
//	go run . -compare v0.1.0        # tells how the exported API differs from a version's
//
// Between releases the modules require each other by a replace to the tree they
// are in, which nobody outside of it can use. The tags are made on a commit of
// its own, beside the branch: HEAD with those replaces dropped, the version
// required in their place, and go.sum completed. It is made in a clone, so that
// neither the tree nor the branch changes.
//
// Before a tag is made, the modules are published to a proxy in a directory, and
// a module that knows nothing of this tree gets, builds and installs all of them
// from there.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	version := flag.String("version", "", "the version, such as `v0.1.0`")
	tag := flag.Bool("tag", false, "make the tags; without it nothing is changed")
	base := flag.String("compare", "", "compare the exported API with that of the `version`, and do nothing else")
	tree := flag.String("tree", "..", "the `directory` of the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := start(ctx, *tree, *version, *base, *tag)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// start does what was asked for.
func start(ctx context.Context, tree, version, base string, tag bool) error {
	if base == "" {
		return run(ctx, os.Stdout, tree, version, tag, nil)
	}
	proxy, err := os.MkdirTemp("", "tnt-proxy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(proxy) //nolint:errcheck // the system clears its temporary files
	return compare(ctx, os.Stdout, tree, base, proxy, nil)
}

// run prepares and proves a release of the HEAD of the repository in tree, and
// makes its tags there if it is to. The modules in the directories of unproved are
// published and not built.
func run(ctx context.Context, out io.Writer, tree, version string, tag bool, unproved []string) error {
	if err := checkVersion(version); err != nil {
		return err
	}
	if err := checkTree(ctx, tree, version); err != nil {
		if tag {
			return err
		}
		fmt.Fprintln(out, "would refuse to tag:", err)
	}
	work, err := os.MkdirTemp("", "tnt-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // the system clears its temporary files
	rel, err := prepare(ctx, tree, work+"/clone", version)
	if err != nil {
		return err
	}
	changes, err := git(ctx, rel.dir, "show", "--stat", "--format=%h %s", "HEAD")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, changes)
	if err := rel.publish(work+"/proxy", true); err != nil {
		return err
	}
	fmt.Fprintln(out, "building a user's module from a proxy in a directory")
	if err := rel.prove(ctx, work+"/proxy", work+"/user", unproved); err != nil {
		return err
	}
	if !tag {
		fmt.Fprintln(out, "dry run: -tag would make these tags")
	} else if err := rel.tag(ctx, tree); err != nil {
		return err
	}
	for _, m := range rel.modules {
		fmt.Fprintln(out, "  ", m.tag(version))
	}
	if tag {
		fmt.Fprintln(out, "to publish them: git push origin 'refs/tags/*"+version+"'")
	}
	return nil
}
