package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// serveTest serves a directory on loopback, and returns its URL and the path of
// its certificate.
func serveTest(t *testing.T, root string) (url, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{
		Handler:   http.FileServer(http.Dir(root)),
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(conn) // until it is closed
	}()
	t.Cleanup(func() {
		server.Close()
		conn.Close()
		<-ended
	})
	return "https://" + conn.LocalAddr().String(), ca
}

func TestGet(t *testing.T) {
	root := t.TempDir()
	content := bytes.Repeat([]byte("0123456789"), 50_000) // some buffers, and a rest
	if err := os.WriteFile(filepath.Join(root, "file"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	url, ca := serveTest(t, root)
	out := filepath.Join(t.TempDir(), "copy")
	if err := get([]string{"-ca", ca, "-o", out, url + "/file"}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := get([]string{"-ca", ca, "-o", out, url + "/nothing"}); err == nil {
		t.Error("no error of a file that is not there")
	}
}
