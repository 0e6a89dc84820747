package main

import (
	"flag"
	"net/http"

	"github.com/quic-go/quic-go/http3"
)

// serve offers the files below a directory until the process is ended.
func serve(args []string) error {
	flags := flag.NewFlagSet("h3 serve", flag.ContinueOnError)
	listen := flags.String("listen", "", "`HOST:PORT`")
	root := flags.String("root", ".", "`DIR` of the files")
	cert := flags.String("cert", "", "PEM `FILE` of the certificate")
	key := flags.String("key", "", "PEM `FILE` of its key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	server := http3.Server{Addr: *listen, Handler: http.FileServer(http.Dir(*root))}
	return server.ListenAndServeTLS(*cert, *key)
}
