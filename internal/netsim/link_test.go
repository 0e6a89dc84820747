package netsim

import (
	"strings"
	"testing"
	"time"
)

func TestValidateReportsEveryProblem(t *testing.T) {
	bad := Link{Rate: -1, Queue: -1, Delay: -1, Loss: 1.5, Duplicate: -0.1, Reorder: 0.5, MTU: -1, QueuePackets: -1, LossRun: -1, CorruptRun: -1, CorruptHead: -1}
	err := bad.Validate()
	if err == nil {
		t.Fatal("an invalid link passed")
	}
	for _, name := range []string{"Rate", "Queue", "Delay", "Loss", "Duplicate", "ReorderBy", "MTU", "QueuePackets", "LossRun", "CorruptRun", "CorruptHead"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("nothing about %s in: %v", name, err)
		}
	}
}

func TestValidateBursts(t *testing.T) {
	for _, c := range []struct {
		loss, burstLen float64
		ok             bool
	}{
		{0.5, 0, true}, {0.99, 1, true}, {1, 10, true},
		{0.8, 4, true}, {0.81, 4, false}, // at best 4 lost, 1 passed
	} {
		if err := (Link{Loss: c.loss, BurstLen: c.burstLen}).Validate(); (err == nil) != c.ok {
			t.Errorf("loss %v in bursts of %v: %v", c.loss, c.burstLen, err)
		}
	}
}

func TestDefaultQueue(t *testing.T) {
	for _, c := range []struct {
		link Link
		want int64
	}{
		{Link{Rate: 1000}, 64 << 10},
		{Link{Rate: 12_500_000}, 1_250_000}, // 100 ms of 100 Mbit/s
		{Link{Rate: 12_500_000, Queue: 5}, 5},
	} {
		if got := c.link.queueBytes(); got != c.want {
			t.Errorf("queue of %+v is %d, want %d", c.link, got, c.want)
		}
	}
}

func TestInvalidLinkPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an impairer took an invalid link")
		}
	}()
	NewImpairer(Link{Delay: -time.Second}, 1)
}
