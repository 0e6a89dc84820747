package probe

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"chunkcp/e2e/bench/internal/netns"
)

// Over a cable the probes come back, and soon.
func TestProbe(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the command ip is missing")
	}
	c, err := netns.NewCable(fmt.Sprintf("probetest%d", os.Getpid()), 1500)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	}()
	p, err := Start(c.Names[1], c.Names[0], c.Addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	for p.answers.Load() < 2 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	if rtt := p.Stop(); rtt <= 0 || rtt > time.Second {
		t.Errorf("round trip %v", rtt)
	}
}
