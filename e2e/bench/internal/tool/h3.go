package tool

import (
	"path/filepath"

	"chunkcp/e2e/bench/internal/proc"
)

// HTTP3 fetches over QUIC by the bench's own client and server, which are
// little more than quic-go.
func HTTP3(program string) Tool {
	return Tool{
		Name:    "quic-go, HTTP/3",
		Servers: 1,
		Serve: func(s Server) (proc.Command, error) {
			if err := newCertificate(s.Dir, s.Addr.Addr()); err != nil {
				return proc.Command{}, err
			}
			return proc.Command{Args: []string{
				program, "serve", "-listen", s.Addr.String(), "-root", s.Root,
				"-cert", filepath.Join(s.Dir, CertFile), "-key", filepath.Join(s.Dir, KeyFile),
			}}, nil
		},
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			return proc.Command{Args: []string{
				program, "get", "-ca", filepath.Join(c.ServerDirs[0], CertFile), "-o", c.Out, url("https", c, 0),
			}}, nil
		},
	}
}
