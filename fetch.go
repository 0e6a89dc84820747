package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"
	"go.uber.org/zap/zapcore"

	"chunkcp/config"
	"chunkcp/internal/secure"
	"chunkcp/internal/ui"
	"chunkcp/peer"
)

func fetchCommand() *cli.Command {
	return &cli.Command{
		Name:            "fetch",
		Usage:           "fetch a file from all servers that have it",
		ArgsUsage:       "NAME",
		HideHelpCommand: true,
		OnUsageError:    func(_ *cli.Context, err error, _ bool) error { return &usageError{err} },
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "n", Usage: "`N` sessions at once (default: one for each live peer, at least 4)"},
			&cli.StringFlag{Name: "o", Usage: "write to `OUT`, a file or a directory (default: the working directory)"},
			&cli.StringSliceFlag{Name: "peer", Usage: "fetch from `HOST:PORT[#KEY]`; may be repeated, and replaces the peers of the config file"},
			&cli.StringFlag{Name: "config", Usage: "config `FILE`"},
			&cli.DurationFlag{Name: "timeout", Usage: "give up after `TIME` with no live peer (default: 30s)"},
			&cli.BoolFlag{Name: "no-clobber", Usage: "do not replace an existing file"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object at the end"},
			&cli.BoolFlag{Name: "q", Usage: "show no progress and no summary"},
			&cli.BoolFlag{Name: "v", Usage: "log what happens"},
		}, experimentFlags()...),
		Action: fetch,
	}
}

func fetch(c *cli.Context) error {
	opt, err := fetchOptions(c)
	if err != nil {
		return err
	}
	level := zapcore.WarnLevel
	if c.Bool("v") {
		level = zapcore.DebugLevel
	} else if c.Bool("q") {
		level = zapcore.ErrorLevel
	}
	terminal := ui.IsTerminal(os.Stderr)
	var source func() ui.Snapshot // set before the progress starts
	progress := ui.New(ui.Config{
		Out: os.Stderr, Terminal: terminal, Quiet: c.Bool("q"),
		Source: func() ui.Snapshot { return source() },
	})
	opt.Log = newLog(progress.Writer(), terminal, level)
	opt.OnStart = func(f *peer.Fetch) {
		source = func() ui.Snapshot { return shown(f.Snapshot()) }
		progress.Start()
	}
	f, err := peer.Run(c.Context, opt)
	progress.Stop()
	if f == nil { // nothing was begun
		return err
	}
	result := ui.Result{Snapshot: shown(f.Snapshot()), Out: opt.Out, Err: err, ExitCode: exitDone}
	if err != nil {
		result.ExitCode = exitCode(err)
	}
	if n := f.Snapshot().Dropped; n > 0 {
		result.Limit = fmt.Sprintf("this host's socket buffers: %d runs of datagrams or more were dropped", n)
	}
	if c.Bool("json") {
		if werr := ui.WriteJSON(os.Stdout, result); werr != nil {
			err = errors.Join(err, &localError{werr})
		}
	}
	if !c.Bool("q") {
		fmt.Fprint(os.Stderr, ui.Summary(result))
	}
	return err
}

// fetchOptions puts flags and config file together.
func fetchOptions(c *cli.Context) (peer.FetchOptions, error) {
	var opt peer.FetchOptions
	if c.NArg() != 1 {
		return opt, &usageError{fmt.Errorf("fetch takes one NAME, got %d arguments", c.NArg())}
	}
	file, err := loadConfig(c.String("config"))
	if err != nil {
		return opt, err
	}
	peers, err := fetchPeers(c.StringSlice("peer"), file)
	if err != nil {
		return opt, err
	}
	identity, dir, err := loadIdentity()
	if err != nil {
		return opt, err
	}
	known, err := secure.OpenKnownPeers(filepath.Join(dir, "known_peers"))
	if err != nil {
		return opt, &config.Error{Err: err}
	}
	name := c.Args().First()
	out, err := destination(c.String("o"), name)
	if err != nil {
		return opt, err
	}
	opt = peer.FetchOptions{
		Name: name, Out: out, Peers: peers,
		Sessions: file.Fetch.Sessions, Timeout: file.Fetch.Timeout,
		NoClobber: c.Bool("no-clobber"), Limits: experimentLimits(c),
		Identity: identity, Known: known,
	}
	if c.IsSet("n") {
		if opt.Sessions = c.Int("n"); opt.Sessions < 1 {
			return opt, &usageError{fmt.Errorf("-n %d: want 1 to %d", opt.Sessions, peer.MaxSessions)}
		}
	}
	if c.IsSet("timeout") {
		if opt.Timeout = c.Duration("timeout"); opt.Timeout < time.Millisecond {
			return opt, &usageError{fmt.Errorf("--timeout %v: want a millisecond at least", opt.Timeout)}
		}
	}
	return opt, nil
}

func fetchPeers(flags []string, file *config.File) (peers []peer.Peer, err error) {
	for _, p := range file.Peers {
		peers = append(peers, peer.Peer{Addr: p.Addr, Key: p.Key})
	}
	if len(flags) > 0 {
		peers = nil
	}
	for _, s := range flags {
		p, err := config.ParsePeer(s)
		if err != nil {
			return nil, &usageError{err}
		}
		peers = append(peers, peer.Peer{Addr: p.Addr, Key: p.Key})
	}
	if len(peers) == 0 {
		return nil, &config.Error{Err: errors.New("no peers: name some with --peer HOST:PORT or in a config file")}
	}
	return peers, nil
}

// destination returns the path of the file to write.
func destination(out, name string) (string, error) {
	base := path.Base(name)
	if base == "." || base == ".." || base == "/" {
		return "", &usageError{fmt.Errorf("%q names no file", name)}
	}
	switch {
	case out == "-":
		return "", &usageError{errors.New("-o -: writing to standard output is not supported yet")}
	case out == "":
		return base, nil
	}
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		return filepath.Join(out, base), nil
	}
	return out, nil
}

// shown turns a fetch's snapshot into what is shown of it.
func shown(s peer.Snapshot) ui.Snapshot {
	u := ui.Snapshot{
		Name: s.Name, Total: s.Total, Done: s.Done,
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
