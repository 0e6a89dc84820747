package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"chunkcp/config"
	"chunkcp/internal/ratebook"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/internal/ui"
	"chunkcp/peer"
)

// clientFlags are those of every command that asks servers.
func clientFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "n", Usage: "`N` sessions at once", DefaultText: "as many with each live peer as make 4 at most, or one with each"},
		&cli.StringSliceFlag{Name: "peer", Usage: "ask `HOST:PORT[#KEY]`; may be repeated, or be several with commas between, and replaces the peers of the config file"},
		&cli.StringFlag{Name: "config", Usage: "config `FILE`"},
		&cli.StringFlag{Name: "hash", Usage: "the file must have this BLAKE3 hash, `b3:HEX`", DefaultText: "what the peers agree on"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up after `TIME` with no live peer", DefaultText: "30s"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object at the end"},
		&cli.BoolFlag{Name: "q", Usage: "show no progress and no summary"},
		&cli.BoolFlag{Name: "v", Usage: "log what happens"},
	}
}

// client is what a command that asks servers has read and opened.
type client struct {
	opt   peer.FetchOptions
	rates *ratebook.Book
	level zapcore.Level
}

// newClient puts flags and config file together, for a fetch of the file name.
func newClient(c *cli.Context, name string) (*client, error) {
	file, err := loadConfig(c.String("config"))
	if err != nil {
		return nil, err
	}
	peers, err := fetchPeers(c.StringSlice("peer"), file)
	if err != nil {
		return nil, err
	}
	identity, dir, err := loadIdentity()
	if err != nil {
		return nil, err
	}
	known, err := secure.OpenKnownPeers(filepath.Join(dir, "known_peers"))
	if err != nil {
		return nil, &config.Error{Err: err}
	}
	hash, err := wantedHash(c.String("hash"))
	if err != nil {
		return nil, err
	}
	rates, _ := ratebook.Open(filepath.Join(dir, "rates")) // a guess that is lost is no error
	k := &client{rates: rates, level: zapcore.WarnLevel, opt: peer.FetchOptions{
		Name: name, Peers: peers, Hash: hash,
		Sessions: file.Fetch.Sessions, Timeout: file.Fetch.Timeout, Limits: experimentLimits(c), Network: experimentNetwork(c),
		Identity: identity, Known: known, Rates: rates,
	}}
	if c.Bool("v") {
		k.level = zapcore.DebugLevel
	} else if c.Bool("q") {
		k.level = zapcore.ErrorLevel
	}
	return k, k.limits(c)
}

func (k *client) limits(c *cli.Context) error {
	if c.IsSet("n") {
		if k.opt.Sessions = c.Int("n"); k.opt.Sessions < 1 || k.opt.Sessions > peer.MaxSessions {
			return &usageError{fmt.Errorf("-n %d: want 1 to %d", k.opt.Sessions, peer.MaxSessions)}
		}
	}
	if c.IsSet("timeout") {
		if k.opt.Timeout = c.Duration("timeout"); k.opt.Timeout < time.Millisecond {
			return &usageError{fmt.Errorf("--timeout %v: want a millisecond at least", k.opt.Timeout)}
		}
	}
	return nil
}

// run runs the fetch, with its progress on a terminal.
func (k *client) run(c *cli.Context) (*peer.Fetch, error) {
	terminal := ui.IsTerminal(os.Stderr)
	var source func() ui.Snapshot // set before the progress starts
	progress := ui.New(ui.Config{
		Out: os.Stderr, Terminal: terminal, Quiet: c.Bool("q"),
		Source: func() ui.Snapshot { return source() },
	})
	opt := k.opt
	opt.Log = newLog(progress.Writer(), terminal, k.level)
	ctx, cancel := context.WithCancelCause(c.Context)
	defer cancel(nil)
	stop := func() {}
	opt.OnStart = func(f *peer.Fetch) {
		source = func() ui.Snapshot { return shown(f.Snapshot()) }
		progress.Start()
		if len(c.StringSlice("peer")) == 0 {
			load := func() (*config.File, error) { return loadConfig(c.String("config")) }
			reload := reloader{take: peersOf(f), load: load, log: opt.Log, end: cancel, terminal: terminal}
			stop = reload.run()
		}
	}
	f, err := peer.Run(ctx, opt)
	stop()
	progress.Stop()
	if cerr := k.rates.Close(); cerr != nil {
		opt.Log.Info("rates are not remembered", zap.Error(cerr))
	}
	return f, err
}

func wantedHash(text string) (*tree.Hash, error) {
	if text == "" {
		return nil, nil
	}
	h, err := tree.ParseHash(text)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--hash: %w", err)}
	}
	return &h, nil
}

// fetchPeers returns the peers that the flags name, else those of the config
// file. A pre-shared key is not for the command line: a flag that names a peer of
// the config file takes it from there.
func fetchPeers(flags []string, file *config.File) (peers []peer.Peer, err error) {
	named, pskFiles := file.Peers, map[string]string{}
	for _, p := range file.Peers {
		pskFiles[p.Addr] = p.PSKFile
	}
	if len(flags) > 0 {
		named = nil
	}
	for _, s := range flags {
		p, err := config.ParsePeer(s)
		if err != nil {
			return nil, &usageError{err}
		}
		p.PSKFile = pskFiles[p.Addr]
		named = append(named, p)
	}
	for _, p := range named {
		psk, err := loadPSK(p.PSKFile)
		if err != nil {
			return nil, err
		}
		peers = append(peers, peer.Peer{Addr: p.Addr, Key: p.Key, PSK: psk})
	}
	if len(peers) == 0 {
		return nil, &config.Error{Err: errors.New("no peers: name some with --peer HOST:PORT or in a config file")}
	}
	return peers, nil
}
