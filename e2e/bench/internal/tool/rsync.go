package tool

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"

	"chunkcp/e2e/bench/internal/proc"
)

// Rsync copies the whole file from an rsync daemon.
func Rsync() Tool {
	return Tool{
		Name:    "rsync daemon",
		Needs:   []string{"rsync"},
		Servers: 1,
		Serve: func(s Server) (proc.Command, error) {
			me, err := user.Current()
			if err != nil {
				return proc.Command{}, err
			}
			config := filepath.Join(s.Dir, "rsyncd.conf")
			return proc.Command{Args: []string{
				"rsync", "--daemon", "--no-detach", "--config=" + config,
				"--address=" + s.Addr.Addr().String(), fmt.Sprintf("--port=%d", s.Addr.Port()),
			}}, write(config, rsyncConfig(s, me.Username, asRoot()))
		},
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			return proc.Command{Args: []string{
				"rsync", "--whole-file", fmt.Sprintf("rsync://%v/bench/%s", c.Servers[0], c.Name), c.Out,
			}}, nil
		},
	}
}

func rsyncConfig(s Server, user string, root bool) string {
	lines := []string{
		"use chroot = no",
		"log file = " + filepath.Join(s.Dir, "rsyncd.log"),
		"pid file = " + filepath.Join(s.Dir, "rsyncd.pid"),
	}
	if root {
		lines = append(lines, "uid = "+user, "gid = *") // who can read the temporary directory
	}
	lines = append(lines, "[bench]", "path = "+s.Root, "read only = yes")
	return strings.Join(lines, "\n") + "\n"
}
