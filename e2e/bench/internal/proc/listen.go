package proc

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
)

// AwaitListening waits until a socket in the process's network namespace
// listens on the port, TCP or UDP. It sends nothing.
func (p *Process) AwaitListening(ctx context.Context, port uint16) error {
	return p.Await(ctx, func() bool {
		for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
			file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", p.PID(), table))
			if err != nil {
				continue // it ends, or there is no IPv6
			}
			found := listens(bufio.NewScanner(file), port)
			file.Close()
			if found {
				return true
			}
		}
		return false
	})
}

// The states of sockets that listen in /proc/net/tcp (TCP_LISTEN) and
// /proc/net/udp (TCP_CLOSE, which is "not connected"), from
// include/net/tcp_states.h.
const (
	tcpListen = "0A"
	udpOpen   = "07"
)

// listens reports whether a table of /proc/net has a listener on the port.
func listens(table *bufio.Scanner, port uint16) bool {
	suffix := fmt.Sprintf(":%04X", port)
	for table.Scan() {
		// sl, local address, remote address, state, ...
		fields := strings.Fields(table.Text())
		if len(fields) > 3 && strings.HasSuffix(fields[1], suffix) &&
			(fields[3] == tcpListen || fields[3] == udpOpen) {
			return true
		}
	}
	return false
}
