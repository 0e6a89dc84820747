package tool

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"syscall"

	"chunkcp/e2e/bench/internal/proc"
)

// Chunkcp is chunkcp itself, and what is tried about it.
type Chunkcp struct {
	Program  string
	Name     string   // of this variant; "" is "chunkcp"
	Servers  int      // 0 is 1
	Sessions int      // -n; 0 leaves the default
	Flags    []string // of both sides
}

// Tool returns the variant as a tool.
func (c Chunkcp) Tool() Tool {
	name := c.Name
	if name == "" {
		name = "chunkcp"
	}
	return Tool{
		Name:    name,
		Servers: max(1, c.Servers),
		Serve: func(s Server) (proc.Command, error) {
			args := []string{c.Program, "serve", "--root", s.Root, "--listen", s.Addr.String(), "--log-level", "warn"}
			return proc.Command{Args: append(args, c.Flags...), Env: c.env(s.Dir), Dir: s.Dir}, nil
		},
		Fetch: func(f Client) (proc.Command, error) {
			args := []string{c.Program, "fetch", f.Name, "-o", f.Out, "-q", "--json"}
			if c.Sessions > 0 {
				args = append(args, "-n", fmt.Sprint(c.Sessions))
			}
			args = append(args, c.Flags...)
			for _, addr := range f.Servers {
				args = append(args, "--peer", addr.String())
			}
			return proc.Command{Args: args, Env: c.env(f.Dir), Dir: f.Dir}, nil
		},
		// It saves what it has and reports it.
		Cut:    syscall.SIGINT,
		Report: chunkcpReport,
	}
}

// env keeps the keys, the cache and the config file of whoever runs the bench out of it.
func (Chunkcp) env(dir string) []string {
	return []string{
		"XDG_STATE_HOME=" + filepath.Join(dir, "state"),
		"XDG_CACHE_HOME=" + filepath.Join(dir, "cache"),
		"XDG_CONFIG_HOME=" + filepath.Join(dir, "config"),
		"CHUNKCP_CONFIG=",
	}
}

// chunkcpReport reads what chunkcp fetch --json writes.
func chunkcpReport(stdout []byte) (Report, error) {
	var said struct {
		Bytes int64 `json:"bytes"`
		Peers []struct {
			Bytes int64    `json:"bytes"`
			RTT   *float64 `json:"rtt_seconds"`
		} `json:"peers"`
	}
	if err := json.Unmarshal(stdout, &said); err != nil {
		return Report{}, fmt.Errorf("read the report of chunkcp: %w", err)
	}
	r := Report{Bytes: said.Bytes}
	// Of several peers the one that sent the most stands for the path.
	var most int64 = -1
	for _, p := range said.Peers {
		if p.RTT != nil && p.Bytes > most {
			r.RTTSeconds, most = *p.RTT, p.Bytes
		}
	}
	return r, nil
}
