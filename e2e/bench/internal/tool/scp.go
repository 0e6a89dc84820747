package tool

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	"chunkcp/e2e/bench/internal/proc"
)

// privileges is the directory that sshd changes its root to and refuses to
// start without, when it is started by root.
const privileges = "/run/sshd"

// Scp copies from an sshd of its own, with keys that last as long as the bench.
func Scp() Tool {
	return Tool{
		Name:    "scp",
		Needs:   []string{"sshd", "scp", "ssh-keygen"},
		Servers: 1,
		Serve: func(s Server) (proc.Command, error) {
			if asRoot() {
				if err := os.MkdirAll(privileges, 0o755); err != nil {
					return proc.Command{}, err
				}
			}
			for _, key := range []string{hostKey, userKey} {
				if err := newSSHKey(filepath.Join(s.Dir, key)); err != nil {
					return proc.Command{}, err
				}
			}
			config := filepath.Join(s.Dir, "sshd_config")
			return proc.Command{Args: []string{program("sshd"), "-D", "-e", "-f", config}}, write(config, sshdConfig(s))
		},
		Fetch: func(c Client) (proc.Command, error) {
			if len(c.Servers) != 1 {
				return proc.Command{}, errNoServer
			}
			me, err := user.Current()
			if err != nil {
				return proc.Command{}, err
			}
			known := filepath.Join(c.Dir, "known_hosts")
			key, err := os.ReadFile(filepath.Join(c.ServerDirs[0], hostKey+".pub"))
			if err != nil {
				return proc.Command{}, err
			}
			addr := c.Servers[0]
			line := fmt.Sprintf("[%v]:%d %s", addr.Addr(), addr.Port(), key)
			return proc.Command{Args: []string{
				"scp", "-q", "-B", "-F", "none",
				"-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=none", "-o", "IdentitiesOnly=yes",
				"-i", filepath.Join(c.ServerDirs[0], userKey), "-P", fmt.Sprint(addr.Port()),
				fmt.Sprintf("%s@%v:%s", me.Username, addr.Addr(), c.Path()), c.Out,
			}}, write(known, line)
		},
	}
}

// The names of the keys in the server's directory.
const (
	hostKey = "host_key"
	userKey = "user_key"
)

// sshdConfig lets the one user key in and nobody else.
func sshdConfig(s Server) string {
	var b strings.Builder
	for _, line := range []string{
		fmt.Sprintf("ListenAddress %v:%d", s.Addr.Addr(), s.Addr.Port()),
		"HostKey " + filepath.Join(s.Dir, hostKey),
		"AuthorizedKeysFile " + filepath.Join(s.Dir, userKey+".pub"),
		"AuthenticationMethods publickey",
		"PermitRootLogin prohibit-password",
		"StrictModes no", // the directory is a temporary one
		"UsePAM no",
		"PidFile none",
		"LogLevel ERROR",
		"Subsystem sftp internal-sftp",
	} {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func newSSHKey(path string) error {
	cmd := exec.Command(program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	return nil
}
