package transfer

import (
	"time"

	"chunkcp/e2e/bench/internal/proc"
)

// sampleInterval is how often memory is looked at: the kernel keeps the peak,
// so that a sample misses only what came after it. Arbitrary; a look takes some
// 100 microseconds.
const sampleInterval = 20 * time.Millisecond

// watcher looks at the memory of processes that may end at any time.
type watcher struct {
	end            chan struct{}
	ended          chan struct{}
	client, server int64 // peaks, in bytes
}

func watch(client *proc.Process, servers []*proc.Process) *watcher {
	w := &watcher{end: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		// The first look is soon, for clients that are done soon.
		timer := time.NewTimer(sampleInterval / 10)
		defer timer.Stop()
		for {
			select {
			case <-w.end:
				return
			case <-timer.C:
			}
			w.client = max(w.client, client.Running().PeakRSS)
			var sum int64
			for _, p := range servers {
				sum += p.Running().PeakRSS
			}
			w.server = max(w.server, sum)
			timer.Reset(sampleInterval)
		}
	}()
	return w
}

// stop ends the watch and returns the peaks.
func (w *watcher) stop() (client, server int64) {
	close(w.end)
	<-w.ended
	return w.client, w.server
}
