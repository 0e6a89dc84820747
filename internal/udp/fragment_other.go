//go:build !linux && !darwin && !windows

package udp

// dontFragment does nothing: see the package's known limitations.
func dontFragment(uintptr) error { return nil }
