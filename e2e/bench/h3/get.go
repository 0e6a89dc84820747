package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/quic-go/quic-go/http3"
)

// writeSize is how much is written at once: much more than the kilobyte or so
// that one read of a stream gives, and little of what a slow path brings in the
// time after which the client is cut off.
const writeSize = 64 << 10

// get fetches one URL into a file.
func get(args []string) error {
	flags := flag.NewFlagSet("h3 get", flag.ContinueOnError)
	ca := flags.String("ca", "", "PEM `FILE` of the certificate to trust")
	out := flags.String("o", "", "`FILE` to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pem, err := os.ReadFile(*ca)
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", *ca)
	}
	transport := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	defer transport.Close()
	response, err := (&http.Client{Transport: transport}).Get(flags.Arg(0))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", flags.Arg(0), response.Status)
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	// The file's own ReadFrom would go past the buffer.
	w := bufio.NewWriterSize(struct{ io.Writer }{file}, writeSize)
	n, err := io.Copy(w, response.Body)
	if err == nil && response.ContentLength >= 0 && n != response.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, w.Flush(), file.Close())
}
