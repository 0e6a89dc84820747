package netns

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// bufferMax is how far the TCP buffers of a namespace may grow, in bytes, so
// that no window is shorter than the path needs: 64 MiB are 500 Mbit/s over a
// second.
const bufferMax = 64 << 20

// SetTCP has connections of the namespace use a congestion control, with
// buffers that are no limit, and learn nothing from earlier connections.
//
// The control is made a property of the routes: a namespace's default may only
// be one that the machine allows to everybody (net.ipv4.tcp_allowed_congestion_control),
// which is not the bench's to change.
func SetTCP(name, congestion string) error {
	routes, err := exec.Command("ip", "-4", "-n", name, "route", "show").Output()
	if err != nil {
		return fmt.Errorf("routes of namespace %s: %w", name, err)
	}
	for route := range strings.Lines(string(routes)) {
		route, _, _ := strings.Cut(strings.TrimSpace(route), " congctl ")
		change := append([]string{"-n", name, "route", "change"}, strings.Fields(route)...)
		if err := ip("", append(change, "congctl", congestion)...); err != nil {
			return err
		}
	}
	return Do(name, func() error {
		for _, setting := range []struct{ file, value string }{
			{"tcp_rmem", fmt.Sprintf("4096 131072 %d", bufferMax)},
			{"tcp_wmem", fmt.Sprintf("4096 16384 %d", bufferMax)},
			{"tcp_no_metrics_save", "1"},
		} {
			if err := os.WriteFile("/proc/sys/net/ipv4/"+setting.file, []byte(setting.value), 0o644); err != nil {
				return fmt.Errorf("set %s to %s in namespace %s: %w", setting.file, setting.value, name, err)
			}
		}
		return nil
	})
}

// HasCongestion reports whether the kernel has a congestion control.
func HasCongestion(name string) bool {
	available, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	return slices.Contains(strings.Fields(string(available)), name)
}
