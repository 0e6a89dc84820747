package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"chunkcp/internal/partfile"
	"chunkcp/internal/ui"
	"chunkcp/peer"
)

func fetchCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "fetch",
		Usage:     "fetch a file from all servers that have it",
		ArgsUsage: "NAME",
		Flags: slices.Concat(clientFlags(), []cli.Flag{
			&cli.StringFlag{Name: "o", Usage: "write to `OUT`, a file or a directory, or to standard output if it is -", DefaultText: "the working directory"},
			&cli.StringFlag{Name: "limit-rate", Usage: "take no more than `RATE` bytes a second, from all servers together, such as 500k or 10M"},
			&cli.BoolFlag{Name: "background", Usage: "use only what other traffic leaves"},
			&cli.BoolFlag{Name: "no-clobber", Usage: "do not replace an existing file"},
			&cli.BoolFlag{Name: "restart", Usage: "begin anew, whatever an earlier fetch has left"},
		}, experimentFlags()),
		Action: fetch,
	})
}

func fetch(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{fmt.Errorf("fetch takes one NAME, got %d arguments", c.NArg())}
	}
	name := c.Args().First()
	k, out, err := prepare(c, name)
	if err != nil {
		return early(c, name, out, err)
	}
	f, err := k.run(c)
	if f == nil { // nothing was begun
		return early(c, name, out, err)
	}
	return report(c, f.Snapshot(), out, err)
}

// prepare reads what a fetch needs, and returns what to call the place where the file goes.
func prepare(c *cli.Context, name string) (k *client, out string, err error) {
	if k, err = newClient(c, name); err != nil {
		return nil, "", err
	}
	if text := c.String("limit-rate"); text != "" {
		if k.opt.LimitRate, err = parseRate(text); err != nil {
			return nil, "", &usageError{fmt.Errorf("--limit-rate: %w", err)}
		}
	}
	k.opt.Background = c.Bool("background")
	out, err = k.sendTo(c, name)
	return k, out, err
}

// early tells programs of a fetch that was not begun, and returns why not.
func early(c *cli.Context, name, out string, err error) error {
	if c.Bool("json") && c.String("o") != "-" {
		r := ui.Result{Snapshot: ui.Snapshot{Name: name, Total: -1}, Out: out, Err: err, ExitCode: exitCode(err)}
		err = errors.Join(err, ui.WriteJSON(os.Stdout, r))
	}
	return err
}

// sendTo chooses where the file goes, and returns what to call that.
func (k *client) sendTo(c *cli.Context, name string) (string, error) {
	k.opt.NoClobber, k.opt.Restart = c.Bool("no-clobber"), c.Bool("restart")
	if c.String("o") == "-" {
		if c.Bool("json") {
			return "", &usageError{errors.New("-o - and --json: both write to standard output, leave one out")}
		}
		signal.Ignore(syscall.SIGPIPE) // a reader that leaves is an error of the write
		k.opt.Stream = os.Stdout
		return "-", nil
	}
	out, err := destination(c.String("o"), name)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(out); err == nil && k.opt.NoClobber { // found out again when all is here
		return "", &fs.PathError{Op: "create", Path: out, Err: partfile.ErrExists}
	}
	k.opt.Out = out
	return out, nil
}

// report tells the outcome of a fetch, on stdout for programs, on stderr for
// people, and returns it.
func report(c *cli.Context, s peer.Snapshot, out string, err error) error {
	result := ui.Result{Snapshot: shown(s), Out: out, Err: err, ExitCode: exitDone}
	if errors.Is(err, errInterrupted) && out != "-" && s.Done > 0 {
		command := "the same command"
		if c.Bool("restart") {
			command += " without --restart"
		}
		err = fmt.Errorf("%w\nwhat came is kept: %s goes on with it", err, command)
	}
	if err != nil {
		result.ExitCode = exitCode(err)
	}
	if s.Dropped > 0 {
		result.Limit = fmt.Sprintf("this host's socket buffers: %d runs of datagrams or more were dropped", s.Dropped)
	}
	if c.Bool("json") {
		if werr := ui.WriteJSON(os.Stdout, result); werr != nil {
			err = errors.Join(err, &localError{werr})
		}
	}
	if !c.Bool("q") && result.ExitCode != exitPipe {
		fmt.Fprint(os.Stderr, ui.Summary(result))
	}
	return err
}

// destination returns the path of the file to write.
func destination(out, name string) (string, error) {
	base := path.Base(name)
	if base == "." || base == ".." || base == "/" {
		return "", &usageError{fmt.Errorf("%q names no file", name)}
	}
	info, err := os.Stat(out)
	if err != nil && out != "" && os.IsPathSeparator(out[len(out)-1]) {
		why := "make it first"
		if !errors.Is(err, fs.ErrNotExist) {
			why = "something else is in its place"
		}
		return "", &localError{fmt.Errorf("there is no directory %s: %s", out, why)}
	}
	into := out != "" && err == nil && info.IsDir()
	if out != "" && !into {
		return out, nil
	}
	// What is a name to a server may be a path, a drive or a device here.
	if filepath.Base(base) != base || !filepath.IsLocal(base) {
		return "", &usageError{fmt.Errorf("%q cannot be the name of a file on this system: choose one with -o", base)}
	}
	return filepath.Join(out, base), nil
}

// shown turns a fetch's snapshot into what is shown of it.
func shown(s peer.Snapshot) ui.Snapshot {
	u := ui.Snapshot{
		Name: s.Name, Total: s.Total, Done: s.Done, Resumed: s.Resumed, Root: s.Root,
		Elapsed: s.Elapsed, RateBytesPerSec: s.RateBytesPerSec,
	}
	for _, p := range s.Peers {
		u.Peers = append(u.Peers, ui.PeerStatus{
			Addr: p.Addr, State: string(p.State), Sessions: p.Sessions, Bytes: p.Bytes,
			RateBytesPerSec: p.RateBytesPerSec, RTT: p.RTT,
			Segments: p.Segments, Repeated: p.Repeated, Note: p.Note,
		})
	}
	return u
}
