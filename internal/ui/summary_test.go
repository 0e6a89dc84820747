package ui

import (
	"errors"
	"strings"
	"testing"
)

func TestSummaryOfAFetchThatFailed(t *testing.T) {
	r := Result{Snapshot: halfway(), Err: errors.New("no live peer"), ExitCode: 6, Limit: "loss on the path"}
	r.Resumed = 82_000_000
	want := `big.iso: 452 MB of 1.00 GB (45.2%) in 37.0 s, 10.0 MB/s on average, 82.0 MB resumed
limited by: loss on the path
peer                state     bytes  share       rate      RTT  segments     sent again
10.0.0.7:7440       live     300 MB  66.4%  8.11 MB/s  20.3 ms    210000    2100 (1.0%)
[2001:db8::7]:7440  silent   152 MB  33.6%  4.11 MB/s  0.85 ms    120000  60000 (50.0%)
10.0.0.9:7440       refused     0 B   0.0%      0 B/s        -         0              0
10.0.0.9:7440: its key has changed
`
	if got := Summary(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummaryOfAFetchThatWorked(t *testing.T) {
	r := Result{Snapshot: halfway()}
	r.Done, r.Peers, r.Root = r.Total, nil, "b3:af13"
	want := "big.iso: 1.00 GB in 37.0 s, 27.0 MB/s on average\nb3:af13\n"
	if got := Summary(r); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSummaryIsNotAPeersToFlood(t *testing.T) {
	long := strings.Repeat("\x1b[31mbuy\n", 1000)
	r := Result{Snapshot: Snapshot{Peers: []PeerStatus{{Addr: long, State: long, Note: long}}}}
	got := Summary(r)
	if len(got) > 1000 || strings.Count(got, "\n") != 4 || strings.Contains(got, "\x1b") {
		t.Errorf("%d bytes:\n%s", len(got), got)
	}
}
