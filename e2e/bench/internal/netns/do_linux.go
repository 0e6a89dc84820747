package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// directory is where iproute2 keeps the named namespaces, ip-netns(8).
const directory = "/run/netns"

// Do calls f on a thread within the namespace. Sockets that f opens stay there;
// goroutines that it starts do not. The name "" is the process's own.
func Do(name string, f func() error) error {
	if name == "" {
		return f()
	}
	there, err := os.Open(filepath.Join(directory, name))
	if err != nil {
		return err
	}
	defer there.Close()
	runtime.LockOSThread()
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer here.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter namespace %s: %w", name, err)
	}
	result := f()
	if err := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); err != nil {
		// The thread stays locked, so that nothing else ever runs on it.
		return fmt.Errorf("leave namespace %s: %w", name, err)
	}
	runtime.UnlockOSThread()
	return result
}
