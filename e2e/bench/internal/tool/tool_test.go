package tool

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// client is one that fetches from two servers.
func client() Client {
	return Client{
		Source:     Source{Root: "/bench/root", Name: "file.bin"},
		Servers:    []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:7440"), netip.MustParseAddrPort("10.0.0.2:7441")},
		ServerDirs: []string{"/bench/server1", "/bench/server2"},
		Out:        "/bench/out/copy",
		Dir:        "/bench/client",
	}
}

func TestChunkcpCommands(t *testing.T) {
	variant := Chunkcp{Program: "/bin/chunkcp", Sessions: 4, Flags: []string{"--channels", "1"}}.Tool()
	command, err := variant.Fetch(client())
	if err != nil {
		t.Fatal(err)
	}
	want := "/bin/chunkcp fetch file.bin -o /bench/out/copy -q --json -n 4 --channels 1 --peer 10.0.0.1:7440 --peer 10.0.0.2:7441"
	if got := strings.Join(command.Args, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, own := range []string{"XDG_STATE_HOME=/bench/client/state", "XDG_CACHE_HOME=/bench/client/cache"} {
		if !slices.Contains(command.Env, own) {
			t.Errorf("environment %v, want %s", command.Env, own)
		}
	}
	command, err = variant.Serve(Server{Source: Source{Root: "/bench/root"}, Addr: client().Servers[0], Dir: "/bench/server1"})
	if err != nil {
		t.Fatal(err)
	}
	want = "/bin/chunkcp serve --root /bench/root --listen 10.0.0.1:7440 --log-level warn --channels 1"
	if got := strings.Join(command.Args, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Of several peers the round trip is that of the one that mattered; one that
// never answered has none.
func TestChunkcpReport(t *testing.T) {
	r, err := chunkcpReport([]byte(`{"bytes": 7, "peers": [
		{"bytes": 1, "rtt_seconds": 0.5}, {"bytes": 6, "rtt_seconds": 0.25}, {"bytes": 0, "rtt_seconds": null}]}`))
	if err != nil || r != (Report{Bytes: 7, RTTSeconds: 0.25}) {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := chunkcpReport(nil); err == nil {
		t.Error("took no report for one")
	}
}

func TestAria2FetchesFromAllMirrors(t *testing.T) {
	command, err := Aria2().Fetch(client())
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://10.0.0.1:7440/file.bin", "http://10.0.0.2:7441/file.bin"} {
		if !slices.Contains(command.Args, url) {
			t.Errorf("%v does not fetch %s", command.Args, url)
		}
	}
}

// A tool for one server is not silently given two.
func TestFetchFromOneServerOnly(t *testing.T) {
	for _, tool := range []Tool{Curl(), CurlTLS(), Scp(), Rsync(), Atftp(512), TftpHPA(), HTTP3("h3")} {
		if _, err := tool.Fetch(client()); err == nil {
			t.Errorf("%s fetches from one of two servers", tool.Name)
		}
	}
}

func TestCertificateIsGoodForTheAddress(t *testing.T) {
	dir := t.TempDir()
	if err := newCertificate(dir, netip.MustParseAddr("10.0.0.1")); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, CertFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in it")
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "10.0.0.1"}); err != nil {
		t.Error(err)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "10.0.0.2"}); err == nil {
		t.Error("good for another address too")
	}
}
