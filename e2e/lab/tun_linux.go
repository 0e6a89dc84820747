package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// tunName is the device's name inside each namespace.
const tunName = "wan0"

// openTUN makes a TUN device in the namespace that the file stands for, and
// returns its descriptor, which does not block.
//
// The descriptor keeps working from any namespace: only the device lives in
// the one it was made in. Entering that one changes a thread for good, so it is
// a thread of its own.
func openTUN(netns string) (tun int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		tun, err = openTUNHere(netns)
	}()
	<-done
	return tun, err
}

func openTUNHere(netns string) (int, error) {
	ns, err := unix.Open(netns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", netns, err)
	}
	defer unix.Close(ns)
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return -1, fmt.Errorf("enter %s: %w", netns, err)
	}
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(tunName)
	if err != nil {
		unix.Close(tun)
		return -1, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, request); err != nil {
		unix.Close(tun)
		return -1, fmt.Errorf("TUNSETIFF: %w", err)
	}
	return tun, nil
}
