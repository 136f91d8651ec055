// Command release makes the tags of a version of every published module of this
// repository: v0.1.0, arrow/v0.1.0, cmd/tnt/v0.1.0 and so on.
//
//	go run . -version v0.1.0        # shows what would be done, and proves it
//	go run . -version v0.1.0 -tag   # makes the tags; pushing them is up to you
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
	tree := flag.String("tree", "..", "the `directory` of the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *tree, *version, *tag, nil)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
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
	if err := rel.publish(work + "/proxy"); err != nil {
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
