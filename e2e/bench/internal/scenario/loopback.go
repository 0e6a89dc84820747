package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"chunkcp/e2e/bench/internal/netns"
	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/tool"
	"chunkcp/e2e/bench/internal/transfer"
)

// The longest blocks of TFTP (RFC 2348), and those that fit an Ethernet frame.
const (
	tftpLongest  = 65464
	tftpEthernet = 1428
)

// loopback compares everything there is on one machine, from memory to memory.
func loopback(ctx context.Context, s Settings) (report.Scenario, error) {
	result := report.Scenario{Name: "loopback", Title: "Loopback, page cache to memory", Kind: report.Race, Bytes: s.Size}
	tools := []tool.Tool{
		tool.Chunkcp{Program: s.Chunkcp}.Tool(),
		tool.Chunkcp{Program: s.Chunkcp, Name: "chunkcp -n 4", Sessions: 4}.Tool(),
		tool.Chunkcp{Program: s.Chunkcp, Name: "chunkcp, 3 servers", Servers: 3}.Tool(),
		tool.Cp(),
		tool.Floor(s.Floor),
		tool.Curl(),
		tool.CurlTLS(),
		tool.Rsync(),
		tool.Aria2(),
		tool.Scp(),
		tool.HTTP3(s.HTTP3),
		tool.Atftp(tftpLongest),
		tool.Atftp(tftpEthernet),
		tool.TftpHPA(),
	}
	err := s.standing(ctx, &result, tools, transfer.Loopback(3, ""))
	return result, err
}

// cableMTU is Ethernet's, which loopback does not show the cost of.
const cableMTU = 1500

// cable measures chunkcp between two namespaces whose packets are Ethernet's.
func cable(ctx context.Context, s Settings) (report.Scenario, error) {
	result := report.Scenario{Name: "veth", Title: fmt.Sprintf("Two namespaces and a veth pair with an MTU of %d", cableMTU), Kind: report.Race, Bytes: s.Size}
	tools := []tool.Tool{
		tool.Chunkcp{Program: s.Chunkcp}.Tool(),
		tool.Chunkcp{Program: s.Chunkcp, Name: "chunkcp -n 4", Sessions: 4}.Tool(),
		tool.Chunkcp{Program: s.Chunkcp, Name: "chunkcp, no offloads", Flags: []string{"--no-offload"}}.Tool(),
	}
	c, err := netns.NewCable(fmt.Sprintf("bench%d", os.Getpid()), cableMTU)
	if err != nil {
		return result, err
	}
	place := transfer.Place{
		Client:  c.Names[1],
		Servers: []transfer.Host{{Netns: c.Names[0], Addr: c.Addrs[0]}},
		Port:    serverPort,
	}
	err = s.standing(ctx, &result, tools, place)
	return result, errors.Join(err, c.Remove())
}

// standing runs tools whose servers stay up from the first run to the last.
func (s Settings) standing(ctx context.Context, result *report.Scenario, tools []tool.Tool, place transfer.Place) error {
	dir, source, err := s.source(s.Size)
	defer os.RemoveAll(dir)
	if err != nil {
		return err
	}
	place.Warm = true // at a GB/s, what memory costs is seen
	var entrants []entrant
	for i, t := range tools {
		if !s.wants(t.Name) {
			continue
		}
		place.Dir = filepath.Join(dir, fmt.Sprintf("tool%d", i+1))
		if place.Port != 0 && i > 0 {
			place.Port++ // all servers are up at once
		}
		x, err := transfer.Open(ctx, t, place, source)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			entrants = append(entrants, entrant{tool: t, skipped: err})
			continue
		}
		defer x.Close()
		entrants = append(entrants, entrant{tool: t, run: func(ctx context.Context, _ int) (report.Run, []string) {
			r := x.Run(ctx, s.Cut)
			return r, x.Commands()
		}})
	}
	if err := s.takeTurns(ctx, result, entrants, true); err != nil {
		return err
	}
	return s.sample(ctx, result, entrants)
}
