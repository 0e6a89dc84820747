package tool

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write what the configurations are now to testdata")

// The configurations are compared with files that a person can read.
func TestConfigurations(t *testing.T) {
	s := Server{
		Source: Source{Root: "/bench/root", Name: "file.bin"},
		Addr:   netip.MustParseAddrPort("127.0.0.1:7440"),
		Dir:    "/bench/server1",
	}
	for name, got := range map[string]string{
		"nginx.conf":       nginxConfig(s, false, false),
		"nginx-tls.conf":   nginxConfig(s, true, true),
		"sshd_config":      sshdConfig(s),
		"rsyncd.conf":      rsyncConfig(s, "alice", false),
		"rsyncd-root.conf": rsyncConfig(s, "root", true),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is now (run the test with -update if it shall be):\n%s", name, got)
		}
	}
}
