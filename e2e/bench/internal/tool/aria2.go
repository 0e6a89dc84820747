package tool

import (
	"path/filepath"

	"chunkcp/e2e/bench/internal/proc"
)

// Aria2 fetches over 8 connections from three nginx mirrors.
func Aria2() Tool {
	return Tool{
		Name:    "aria2c, 3 nginx mirrors",
		Needs:   []string{"nginx", "aria2c"},
		Servers: 3,
		Serve:   func(s Server) (proc.Command, error) { return nginx(s, false) },
		Fetch: func(c Client) (proc.Command, error) {
			args := []string{
				"aria2c", "--no-conf", "--quiet", "--no-proxy=*",
				"--split=8", "--max-connection-per-server=8", "--min-split-size=1M",
				// The other methods write the file before it is there.
				"--file-allocation=none",
				"--dir=" + filepath.Dir(c.Out), "--out=" + filepath.Base(c.Out),
			}
			for i := range c.Servers {
				args = append(args, url("http", c, i))
			}
			return proc.Command{Args: args, Dir: c.Dir}, nil
		},
	}
}
