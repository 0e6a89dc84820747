package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/urfave/cli/v2"

	"chunkcp/internal/tree"
	"chunkcp/internal/ui"
)

func hashCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "hash",
		Usage:     "print the BLAKE3 hash of files, as --hash takes it",
		ArgsUsage: "FILE...",
		Action:    hash,
	})
}

func hash(c *cli.Context) error {
	if !c.Args().Present() {
		return &usageError{fmt.Errorf("hash takes one FILE or more")}
	}
	var failed error
	for _, path := range c.Args().Slice() {
		list, err := hashFile(c.Context, path)
		if err != nil {
			if failed = errors.Join(failed, err); c.Context.Err() != nil {
				break
			}
			continue
		}
		root, _ := list.Root() // all of it is known
		line := root.Text()
		if c.NArg() > 1 {
			line += "  " + ui.Escape(path)
		}
		if _, err := fmt.Println(line); err != nil {
			return &localError{err}
		}
	}
	return failed
}

// hashFile returns the hashes of a file of this host.
func hashFile(ctx context.Context, path string) (*tree.List, error) {
	info, err := os.Stat(path) // before it is opened: a FIFO would be waited for
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		cause := fmt.Errorf("not a regular file")
		if info.IsDir() {
			cause = syscall.EISDIR
		}
		return nil, &fs.PathError{Op: "hash", Path: path, Err: cause}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if info.Size() == 0 { // as those of /proc have, which are not empty
		if n, _ := file.Read(make([]byte, 1)); n > 0 {
			return nil, &localError{fmt.Errorf("hash %s: it does not tell its size: copy it first", path)}
		}
	}
	list := tree.NewList(info.Size())
	_, err = tree.Sum(ctx, file, info.Size(), list.Set)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, &localError{fmt.Errorf("hash %s: %w", path, err)}
	}
	return list, nil
}
