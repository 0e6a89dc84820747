package tool

import (
	"fmt"
	"path/filepath"
	"strings"

	"chunkcp/e2e/bench/internal/proc"
)

// nginx returns the command of a server of the file over HTTP, or over TLS 1.3
// with a certificate of its own.
func nginx(s Server, tls bool) (proc.Command, error) {
	if tls {
		if err := newCertificate(s.Dir, s.Addr.Addr()); err != nil {
			return proc.Command{}, err
		}
	}
	config := filepath.Join(s.Dir, "nginx.conf")
	// The log of errors is standard error from the first line on, not only once
	// the configuration is read.
	args := []string{program("nginx"), "-p", s.Dir, "-c", config, "-e", "stderr"}
	return proc.Command{Args: args}, write(config, nginxConfig(s, tls, asRoot()))
}

// nginxConfig returns a configuration that touches nothing outside of the
// server's directory.
func nginxConfig(s Server, tls, root bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("daemon off;")
	if root {
		line("user root;") // who can read the temporary directory
	}
	line("worker_processes auto;")
	line("pid %s;", filepath.Join(s.Dir, "nginx.pid"))
	line("events { worker_connections 64; }") // 8 are the most that a client here opens
	line("http {")
	line("\taccess_log off;")
	line("\tsendfile on;")
	line("\ttcp_nopush on;")
	line("\tdefault_type application/octet-stream;")
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		line("\t%s_temp_path %s;", name, filepath.Join(s.Dir, name))
	}
	line("\tserver {")
	if tls {
		line("\t\tlisten %v ssl;", s.Addr)
		line("\t\tssl_protocols TLSv1.3;")
		line("\t\tssl_certificate %s;", filepath.Join(s.Dir, CertFile))
		line("\t\tssl_certificate_key %s;", filepath.Join(s.Dir, KeyFile))
	} else {
		line("\t\tlisten %v;", s.Addr)
	}
	line("\t\troot %s;", s.Root)
	line("\t}")
	line("}")
	return b.String()
}
