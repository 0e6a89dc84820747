package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"

	"chunkcp/config"
	"chunkcp/internal/udp"
	"chunkcp/internal/ui"
	"chunkcp/peer"
)

func serveCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "serve",
		Usage: "offer the files below a directory",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "root", Usage: "the `DIR` whose files are offered", DefaultText: "the working directory"},
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on", DefaultText: fmt.Sprintf(":%d", config.DefaultPort)},
			&cli.StringFlag{Name: "config", Usage: "config `FILE`"},
			&cli.StringFlag{Name: "trace", Usage: "write what the sessions do to `FILE`, a JSON object a line"},
			&cli.StringFlag{Name: "log-level", Value: "info", Usage: "`LEVEL` of the log: debug, info, warn or error"},
		}, experimentFlags()...),
		Action: serve,
	})
}

// serverGC is by how many percent of what is in use a server's heap grows before it
// is collected. Only handshakes make garbage to speak of: while 10,000 sessions began
// the process took 306 MiB with Go's 100 percent, 258 with 50, and as long.
const serverGC = 50

// experimentFlags turn a session into what textbooks describe. Nobody needs
// them to fetch a file.
func experimentFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "channels", Usage: "for experiments: at most `N` stop-and-wait channels a session", DefaultText: "as many as the path needs"},
		&cli.IntFlag{Name: "burst", Usage: "for experiments: `N` segments outstanding on a channel", DefaultText: "about a millisecond of sending"},
		&cli.BoolFlag{Name: "no-offload", Usage: "for experiments, and for drivers that corrupt what they merge or split: one datagram a packet for the kernel too"},
		&cli.StringFlag{Name: "cc", Usage: "for experiments: congestion control by `NAME`, model or cubic", DefaultText: "model"},
	}
}

func experimentLimits(c *cli.Context) peer.Limits {
	return peer.Limits{Channels: c.Int("channels"), Burst: c.Int("burst"), Congestion: c.String("cc")}
}

// experimentNetwork returns the host's network as it is to be used, nil for as
// usual.
func experimentNetwork(c *cli.Context) peer.Network {
	if !c.Bool("no-offload") {
		return nil
	}
	return peer.HostNetwork{Options: udp.Options{NoOffload: true}}
}

func serve(c *cli.Context) error {
	if c.Args().Present() {
		return &usageError{fmt.Errorf("serve takes no argument, got %q: name the directory with --root", c.Args().First())}
	}
	place, err := findConfig(c.String("config"))
	if err != nil {
		return err
	}
	file, err := place.Load()
	if err != nil {
		return err
	}
	listen, err := config.ParseListen(first(c.String("listen"), file.Serve.Listen, fmt.Sprintf(":%d", config.DefaultPort)))
	if err != nil {
		return &usageError{err}
	}
	root, err := servedRoot(first(c.String("root"), file.Serve.Root, "."))
	if err != nil {
		return err
	}
	log, err := serveLog(c.String("log-level"))
	if err != nil {
		return err
	}
	defer log.Sync()
	identity, state, err := loadIdentity()
	if err != nil {
		return err
	}
	psk, err := loadPSK(file.Serve.PSKFile)
	if err != nil {
		return err
	}
	trace, closeTrace, err := openTrace(c.String("trace"))
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(serverGC)
	}
	trees, closeTrees := openTrees(log)
	defer closeTrees()
	ctx, cancel := context.WithCancelCause(c.Context)
	defer cancel(nil)
	reload := reloader{load: place.Load, log: log, end: cancel, terminal: ui.IsTerminal(os.Stderr)}
	if place.Path == "" { // else the file that was found, so that one that is gone opens nothing
		reload.load = func() (*config.File, error) { return loadConfig("") }
	}
	private := append(keyFiles(file), state, config.CacheDir(os.Getenv), file.Path) // what this program keeps
	stop := func() {}
	defer func() { stop() }()
	err = peer.Serve(ctx, peer.ServeOptions{
		OnStart: func(s *peer.Server) {
			reload.take = accessOf(s, private)
			stop = reload.run()
		},
		Trees:    trees,
		Root:     root,
		Listen:   listen,
		Limits:   experimentLimits(c),
		Network:  experimentNetwork(c),
		Identity: identity,
		PSK:      psk,
		Allow:    file.Serve.Allow,
		Private:  private,
		Log:      log,
		Trace:    trace,
	})
	return errors.Join(err, closeTrace())
}

// servedRoot returns the path of the directory that is served, from the root of the file
// system on: where the log is read the working directory is not known. It is looked at before
// it is opened, since a FIFO would be waited for.
func servedRoot(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "serve", Path: path, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// keyFiles returns the files with pre-shared keys that a config names.
func keyFiles(file *config.File) []string {
	files := []string{file.Serve.PSKFile}
	for _, p := range file.Peers {
		files = append(files, p.PSKFile)
	}
	return files
}

// openTrace opens the trace, if one is wanted.
func openTrace(path string) (*peer.Trace, func() error, error) {
	if path == "" {
		return nil, func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, &localError{err}
	}
	trace := peer.NewTrace(file)
	return trace, func() error { return errors.Join(trace.Flush(), file.Close()) }, nil
}

// first returns the first string that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
