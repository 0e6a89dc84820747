package tool

import (
	"fmt"

	"chunkcp/e2e/bench/internal/proc"
)

// Atftp fetches by TFTP with blocks of so many bytes (RFC 2348).
func Atftp(block int) Tool {
	return Tool{
		Name:    fmt.Sprintf("TFTP, atftp, blocks of %d", block),
		Needs:   []string{"atftpd", "atftp"},
		Servers: 1,
		Serve: func(s Server) (proc.Command, error) {
			args := []string{
				program("atftpd"), "--daemon", "--no-fork", "--logfile", "-",
				"--bind-address", s.Addr.Addr().String(), "--port", fmt.Sprint(s.Addr.Port()),
			}
			if asRoot() {
				args = append(args, "--user", "root", "--group", "root")
			}
			return proc.Command{Args: append(args, s.Root)}, nil
		},
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			return proc.Command{Args: []string{
				"atftp", "--option", fmt.Sprintf("blksize %d", block),
				"--get", "--remote-file", c.Name, "--local-file", c.Out,
				c.Servers[0].Addr().String(), fmt.Sprint(c.Servers[0].Port()),
			}}, nil
		},
	}
}

// TftpHPA fetches by TFTP with blocks of 512 bytes, the only size its client
// asks for.
func TftpHPA() Tool {
	return Tool{
		Name:    "TFTP, tftp-hpa, blocks of 512",
		Needs:   []string{"in.tftpd", "tftp"},
		Servers: 1,
		Serve: func(s Server) (proc.Command, error) {
			args := []string{program("in.tftpd"), "--listen", "--foreground", "--address", s.Addr.String(), "--secure"}
			if asRoot() {
				args = append(args, "--user", "root")
			}
			return proc.Command{Args: append(args, s.Root)}, nil
		},
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			return proc.Command{Args: []string{
				"tftp", "-m", "binary", c.Servers[0].Addr().String(), fmt.Sprint(c.Servers[0].Port()),
				"-c", "get", c.Name, c.Out,
			}}, nil
		},
	}
}
