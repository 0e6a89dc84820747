package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"chunkcp/config"
	"chunkcp/internal/secure"
	"chunkcp/peer"
)

// maxProbes bounds the servers that are greeted at once: as many sockets as a
// fetch may have. Beyond it they take turns.
const maxProbes = peer.MaxSessions

func peersCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "peers",
		Usage:     "list the servers that are known, whether they are alive, and their keys",
		ArgsUsage: "[forget HOST[:PORT]]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "config `FILE`"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: peers,
		Subcommands: []*cli.Command{command(&cli.Command{
			Name:      "forget",
			Usage:     "forget the key that is remembered of a server",
			ArgsUsage: "HOST[:PORT]",
			Action:    forget,
		})},
	})
}

// knownPeer is a server that the config or known_peers names.
type knownPeer struct {
	addr       string
	psk        *secure.PSK       // of the config; nil: none
	pinned     *secure.PublicKey // by the config
	remembered *secure.KnownPeer // of known_peers

	answer peer.Answer
	err    error // why there is no answer
}

// expected returns the key that the server must have, nil for none.
func (p *knownPeer) expected() *secure.PublicKey {
	switch {
	case p.pinned != nil:
		return p.pinned
	case p.remembered != nil:
		return &p.remembered.Key
	}
	return nil
}

// changed reports whether the server has shown another key than it must have.
func (p *knownPeer) changed() bool {
	want := p.expected()
	return p.answer.Understood() && want != nil && *want != p.answer.Key
}

// peers lists the servers. A key that has changed is an error.
func peers(c *cli.Context) error {
	if c.Args().Present() {
		return &usageError{fmt.Errorf("peers takes no argument but forget HOST[:PORT], got %q", c.Args().First())}
	}
	file, err := loadConfig(c.String("config"))
	if err != nil {
		return err
	}
	known, err := openKnown()
	if err != nil {
		return err
	}
	list, err := listPeers(file, known)
	if err != nil {
		return err
	}
	probe(c.Context, list)
	if c.Context.Err() != nil {
		return context.Cause(c.Context)
	}
	if err := printPeers(os.Stdout, list, c.Bool("json")); err != nil {
		return &localError{err}
	}
	if len(list) == 0 {
		fmt.Fprintln(os.Stderr, "no server is known: name some in a config file")
	}
	return changes(list, known)
}

// openKnown opens known_peers of this host.
func openKnown() (*secure.KnownPeers, error) {
	dir, err := config.StateDir(os.Getenv)
	if err != nil {
		return nil, err
	}
	known, err := secure.OpenKnownPeers(filepath.Join(dir, "known_peers"))
	if err != nil {
		return nil, &config.Error{Err: err}
	}
	return known, nil
}

// listPeers returns those of the config, in its order, and then those that are
// remembered only.
func listPeers(file *config.File, known *secure.KnownPeers) (list []*knownPeer, err error) {
	remembered := known.All()
	byAddr := map[string]*secure.KnownPeer{}
	for i := range remembered {
		byAddr[remembered[i].Addr] = &remembered[i]
	}
	for _, p := range file.Peers {
		psk, err := loadPSK(p.PSKFile)
		if err != nil {
			return nil, err
		}
		list = append(list, &knownPeer{addr: p.Addr, psk: psk, pinned: p.Key, remembered: byAddr[p.Addr]})
		delete(byAddr, p.Addr)
	}
	for i := range remembered {
		if r := &remembered[i]; byAddr[r.Addr] != nil {
			list = append(list, &knownPeer{addr: r.Addr, remembered: r})
		}
	}
	return list, nil
}

// probe greets all servers at once, or as many as there may be.
func probe(ctx context.Context, list []*knownPeer) {
	var running sync.WaitGroup
	places := make(chan struct{}, maxProbes)
	for _, p := range list {
		places <- struct{}{}
		running.Go(func() {
			p.answer, p.err = peer.Probe(ctx, peer.Peer{Addr: p.addr, Key: p.expected(), PSK: p.psk}, nil)
			<-places
		})
	}
	running.Wait()
}

// changes returns an error that shows the keys of all servers that have changed
// theirs, nil if none has.
func changes(list []*knownPeer, known *secure.KnownPeers) error {
	var errs []error
	for _, p := range list {
		switch {
		case !p.changed():
		case p.pinned != nil:
			errs = append(errs, fmt.Errorf("%w: %w", peer.ErrKey, &peer.PinError{Addr: p.addr, Pinned: *p.pinned, Offered: p.answer.Key}))
		default:
			errs = append(errs, fmt.Errorf("%w: %w", peer.ErrKey, known.Check(p.addr, p.answer.Key)))
		}
	}
	return errors.Join(errs...)
}

// forget removes a key from known_peers.
func forget(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{fmt.Errorf("peers forget takes one HOST[:PORT], got %d arguments", c.NArg())}
	}
	known, err := openKnown()
	if err != nil {
		return err
	}
	addr, err := rememberedAs(c.Args().First(), known.All())
	if err != nil {
		return err
	}
	err = known.Forget(addr)
	if errors.Is(err, secure.ErrUnknownPeer) {
		return &config.Error{Err: fmt.Errorf("%w, %s: chunkcp peers lists those that there are", err, addr)}
	}
	if err != nil {
		return &config.Error{Err: err}
	}
	fmt.Fprintf(os.Stderr, "%s: its key is forgotten; the next that it shows will be believed and remembered\n", addr)
	return nil
}

// rememberedAs returns how known_peers spells an address: as the user does, or
// as the config would.
func rememberedAs(text string, known []secure.KnownPeer) (string, error) {
	if slices.ContainsFunc(known, func(p secure.KnownPeer) bool { return p.Addr == text }) {
		return text, nil
	}
	p, err := config.ParsePeer(text)
	if err == nil && p.Key != nil {
		err = fmt.Errorf("%q: leave out the key, whichever is remembered is forgotten", text)
	}
	if err != nil {
		return "", &usageError{err}
	}
	return p.Addr, nil
}

// since is the day on which a key was remembered.
func since(p *secure.KnownPeer) string { return p.Since.Format(time.DateOnly) }
