package tool

import (
	"fmt"
	"path/filepath"

	"chunkcp/e2e/bench/internal/proc"
)

// Curl fetches over plain HTTP from nginx.
func Curl() Tool {
	return Tool{
		Name:    "curl, nginx, HTTP",
		Needs:   []string{"nginx", "curl"},
		Servers: 1,
		Serve:   func(s Server) (proc.Command, error) { return nginx(s, false) },
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			return proc.Command{Args: []string{
				"curl", "--disable", "--silent", "--show-error", "--fail", "--noproxy", "*",
				"--output", c.Out, url("http", c, 0),
			}}, nil
		},
	}
}

// CurlTLS fetches over TLS 1.3 from nginx.
func CurlTLS() Tool {
	return Tool{
		Name:    "curl, nginx, TLS 1.3",
		Needs:   []string{"nginx", "curl"},
		Servers: 1,
		Serve:   func(s Server) (proc.Command, error) { return nginx(s, true) },
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			return proc.Command{Args: []string{
				"curl", "--disable", "--silent", "--show-error", "--fail", "--noproxy", "*",
				"--tlsv1.3", "--cacert", filepath.Join(c.ServerDirs[0], CertFile),
				"--output", c.Out, url("https", c, 0),
			}}, nil
		},
	}
}

// TCP is plain HTTP over TCP with a congestion control, which is what the
// slowness of a path shows in.
func TCP(congestion, name string) Tool {
	t := Curl()
	t.Name, t.Congestion = name, congestion
	return t
}

func url(scheme string, c Client, server int) string {
	return fmt.Sprintf("%s://%v/%s", scheme, c.Servers[server], c.Name)
}
