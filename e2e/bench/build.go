package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the paths of what is built to be measured, or to measure with.
type programs struct{ chunkcp, lab, floor, h3 string }

// build builds them into a directory. The one of HTTP/3 is this module's, and the floor is
// that of the repository in which the bench is.
func build(ctx context.Context, repository, dir string) (programs, error) {
	p := programs{filepath.Join(dir, "chunkcp"), filepath.Join(dir, "lab"), filepath.Join(dir, "floor"), filepath.Join(dir, "h3")}
	for _, target := range []struct{ in, out, pkg string }{
		{repository, p.chunkcp, "."},
		{repository, p.lab, "./e2e/lab"},
		{"../..", p.floor, "./e2e/floor"},
		{".", p.h3, "./h3"},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", target.out, target.pkg)
		cmd.Dir = target.in
		if out, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("go build %s in %s: %w: %s (run the bench in its own directory, or name chunkcp's with -source)",
				target.pkg, target.in, err, bytes.TrimSpace(out))
		}
	}
	return p, nil
}

// commitOf returns the commit that is checked out, and says if it is not all
// that was built.
func commitOf(ctx context.Context, repository string) (string, error) {
	commit, err := git(ctx, repository, "rev-parse", "HEAD")
	if err != nil {
		return "unknown", nil // a copy without its history
	}
	// Only what goes into the programs makes them another.
	changed, err := git(ctx, repository, "status", "--porcelain", "--", "*.go", "go.mod", "go.sum", ":!e2e/bench")
	if err != nil {
		return "", err
	}
	if changed != "" {
		commit += " and changes that are not committed"
	}
	return commit, nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
