package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps the named namespaces, ip-netns(8).
const netnsDir = "/run/netns"

// lockPrefix takes the prefix for this lab until unlock is called or the
// process dies. The lock is an abstract socket, which leaves no file behind.
func lockPrefix(prefix string) (unlock func(), err error) {
	l, err := net.Listen("unix", "@chunkcp-lab-"+prefix)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("another lab runs with prefix %s: choose another with -prefix", prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the prefix %s: %w", prefix, err)
	}
	return func() { l.Close() }, nil
}

// namespace is a network namespace that iproute2 knows by name.
type namespace struct{ name string }

// create makes the namespace with the host's TUN device, up and addressed, and
// returns the device's descriptor. The caller deletes the namespace, after an
// error too.
func (ns namespace) create(h host) (tun int, err error) {
	if err := ns.delete(); err != nil { // of a lab that was killed
		return -1, err
	}
	if err := ip("", "netns", "add", ns.name); err != nil {
		return -1, err
	}
	tun, err = openTUN(filepath.Join(netnsDir, ns.name))
	if err != nil {
		return -1, fmt.Errorf("TUN device of host %s: %w", h.name, err)
	}
	// The device's own queue holds what the kernel hands over in a burst. It
	// must never be what drops, so it is longer than the links' queues.
	err = ip(fmt.Sprintf("link set lo up\naddr add %v/%d dev %s\nlink set %s mtu %d txqueuelen 10000 up\n",
		h.addr, netBits, tunName, tunName, h.mtu), "-n", ns.name, "-batch", "-")
	if err != nil {
		unix.Close(tun)
		return -1, err
	}
	return tun, nil
}

// delete ends what runs in the namespace and deletes it, if it is there.
func (ns namespace) delete() error {
	if _, err := os.Stat(filepath.Join(netnsDir, ns.name)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	pids, err := exec.Command("ip", "netns", "pids", ns.name).Output()
	if err != nil {
		return fmt.Errorf("ip netns pids %s: %w", ns.name, err)
	}
	for _, field := range strings.Fields(string(pids)) {
		pid, err := strconv.Atoi(field)
		if err != nil || pid == os.Getpid() {
			continue
		}
		_ = unix.Kill(pid, unix.SIGKILL) // ESRCH: it was faster
	}
	return ip("", "netns", "delete", ns.name)
}

// ip runs iproute2 with a script for its standard input.
func ip(script string, args ...string) error {
	cmd := exec.Command("ip", args...)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the command ip is missing: install iproute2")
	}
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
