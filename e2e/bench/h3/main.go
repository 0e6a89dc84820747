// Command h3 serves and fetches files over HTTP/3 with quic-go, for comparison:
//
//	h3 serve -listen 127.0.0.1:8443 -root DIR -cert cert.pem -key key.pem
//	h3 get -ca cert.pem -o OUT https://127.0.0.1:8443/NAME
//
// Congestion control, windows and offloads are quic-go's defaults.
package main

import (
	"fmt"
	"os"
)

func main() {
	err := fmt.Errorf("want serve or get")
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			err = serve(os.Args[2:])
		case "get":
			err = get(os.Args[2:])
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "h3: %v\n", err)
		os.Exit(1)
	}
}
