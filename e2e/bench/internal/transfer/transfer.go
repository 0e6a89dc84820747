package transfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"chunkcp/e2e/bench/internal/proc"
	"chunkcp/e2e/bench/internal/tool"
)

// Transfer is a tool whose servers are up.
type Transfer struct {
	tool     tool.Tool
	place    Place
	client   tool.Client
	servers  []*proc.Process
	commands []string // servers', then the client's
}

// Open starts the servers of the tool and waits until they listen.
func Open(ctx context.Context, t tool.Tool, place Place, source tool.Source) (*Transfer, error) {
	if err := t.Missing(); err != nil {
		return nil, err
	}
	x := &Transfer{tool: t, place: place}
	x.client = tool.Client{Source: source, Dir: filepath.Join(place.Dir, "client")}
	x.client.Out = filepath.Join(x.client.Dir, "out", "copy")
	if err := os.MkdirAll(x.client.Dir, 0o755); err != nil {
		return nil, err
	}
	for i := range t.Servers {
		if err := x.serve(ctx, i); err != nil {
			x.Close()
			return nil, err
		}
	}
	return x, nil
}

// serve starts one server.
func (x *Transfer) serve(ctx context.Context, i int) error {
	addr, err := x.place.address(i)
	if err != nil {
		return err
	}
	dir := filepath.Join(x.place.Dir, fmt.Sprintf("server%d", i+1))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	command, err := x.tool.Serve(tool.Server{Source: x.client.Source, Addr: addr, Dir: dir})
	if err != nil {
		return err
	}
	command.Netns = x.place.Servers[i].Netns
	p, err := proc.Start(command, nil, filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	x.servers = append(x.servers, p)
	x.commands = append(x.commands, command.String())
	x.client.Servers = append(x.client.Servers, addr)
	x.client.ServerDirs = append(x.client.ServerDirs, dir)
	return p.AwaitListening(ctx, addr.Port())
}

// Commands returns what was run, as one would type it: the servers and, after
// the first run, the client.
func (x *Transfer) Commands() []string { return x.commands }

// Close stops the servers.
func (x *Transfer) Close() {
	for _, p := range x.servers {
		p.Stop()
	}
	x.servers = nil
}

// prepare clears what the last run left, warms memory for the copy if the place
// asks for it, and returns the client's command.
func (x *Transfer) prepare() (proc.Command, error) {
	out := filepath.Dir(x.client.Out)
	if err := errors.Join(os.RemoveAll(out), os.Mkdir(out, 0o755)); err != nil {
		return proc.Command{}, err
	}
	if x.place.Warm {
		source, err := os.Stat(x.client.Path())
		if err != nil {
			return proc.Command{}, err
		}
		if err := warmMemory(out, source.Size()); err != nil {
			return proc.Command{}, err
		}
	}
	command, err := x.tool.Fetch(x.client)
	command.Netns = x.place.Client
	if len(x.commands) == len(x.servers) {
		x.commands = append(x.commands, command.String())
	}
	return command, err
}
