package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"chunkcp/e2e/bench/internal/lab"
	"chunkcp/e2e/bench/internal/netns"
	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/tool"
	"chunkcp/e2e/bench/internal/transfer"
)

// hosts returns the client, whose link has the first options, and a server for
// each of the others.
func hosts(client string, servers ...string) []lab.Host {
	list := []lab.Host{{Name: "c", Addr: address(1), Options: client}}
	for i, options := range servers {
		list = append(list, lab.Host{Name: fmt.Sprintf("s%d", i+1), Addr: address(i + 2), Options: options})
	}
	return list
}

// address returns one of the block for benchmarks (RFC 2544 appendix C.2.2).
func address(host int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 1, byte(host)}) }

// serverPort is that of all servers in a lab: arbitrary, the namespaces are new.
const serverPort = 7440

// field is a lab that stands for one run.
type field struct {
	lab   *lab.Lab
	hosts []lab.Host
	dir   string
}

// stand builds a lab. The caller strikes it.
func (s Settings) stand(ctx context.Context, hosts []lab.Host, seed int) (*field, error) {
	dir := filepath.Join(s.Dir, "field")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	l, err := lab.Start(ctx, s.Lab, dir, uint64(seed), hosts)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &field{lab: l, hosts: hosts, dir: dir}, nil
}

// strike takes the lab down and returns what its links did.
func (f *field) strike() ([]report.Link, error) {
	links, err := f.lab.Stop()
	return links, errors.Join(err, os.RemoveAll(f.dir))
}

// open starts the servers of a tool at the hosts from the server with the index
// on.
func (f *field) open(ctx context.Context, t tool.Tool, source tool.Source, from int) (*transfer.Transfer, error) {
	place := transfer.Place{
		Client: f.lab.Netns("c"),
		Port:   serverPort,
		Dir:    filepath.Join(f.dir, fmt.Sprintf("%d", from)),
	}
	for _, h := range f.hosts[1+from:] {
		place.Servers = append(place.Servers, transfer.Host{Netns: f.lab.Netns(h.Name), Addr: h.Addr})
	}
	if t.Congestion != "" {
		for _, h := range append([]transfer.Host{{Netns: place.Client}}, place.Servers...) {
			if err := netns.SetTCP(h.Netns, t.Congestion); err != nil {
				return nil, err
			}
		}
	}
	return transfer.Open(ctx, t, place, source)
}

// missing returns why a tool cannot run in a lab, or nil.
func missing(t tool.Tool) error {
	if t.Congestion != "" && !netns.HasCongestion(t.Congestion) {
		return fmt.Errorf("the kernel has no congestion control %s (modprobe tcp_%s)", t.Congestion, t.Congestion)
	}
	return t.Missing()
}

func labLinks(hosts []lab.Host) (list []string) {
	for _, h := range hosts {
		list = append(list, h.String())
	}
	return list
}
