package lab

import (
	"net/netip"
	"testing"
)

func TestHostAsTheFlagTakesIt(t *testing.T) {
	addr := netip.MustParseAddr("10.77.0.2")
	for want, h := range map[string]Host{
		"c=10.77.0.2":                          {Name: "c", Addr: addr},
		"s1=10.77.0.2,rate=100mbit,delay=25ms": {Name: "s1", Addr: addr, Options: "rate=100mbit,delay=25ms"},
	} {
		if got := h.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
