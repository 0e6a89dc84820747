//go:build !linux

package main

import (
	"errors"
	"runtime"
)

// run says why there is no lab here.
func run(options) (int, error) {
	return 0, errors.New("network namespaces are Linux's: the lab does not run on " + runtime.GOOS)
}
