//go:build !linux

package udp

import (
	"net"

	"golang.org/x/net/ipv4"
)

// newSend returns a function that sends one message a call: the batches of
// x/net do no more on macOS, and do not work at all on Windows.
func newSend(conn *net.UDPConn, connected bool) func([]ipv4.Message) (int, error) {
	return func(msgs []ipv4.Message) (int, error) {
		var err error
		if connected {
			_, err = conn.Write(msgs[0].Buffers[0])
		} else {
			_, err = conn.WriteToUDP(msgs[0].Buffers[0], msgs[0].Addr.(*net.UDPAddr))
		}
		return 1, err
	}
}

// segmentControl has no use here: segmentOffload is never set.
type segmentControl struct{}

func (*segmentControl) set(int) []byte { panic("BUG: UDP_SEGMENT outside Linux") }
