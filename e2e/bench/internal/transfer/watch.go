package transfer

import (
	"time"

	"chunkcp/e2e/bench/internal/proc"
)

const (
	// sampleInterval is how often memory is looked at: the kernel keeps the peak,
	// so that a sample misses only what came after it. Each process takes some
	// 200 microseconds of a core that its tool may need: of four of them this is a
	// hundredth.
	sampleInterval = 100 * time.Millisecond

	// firstSample is soon, for clients that are done soon; arbitrary.
	firstSample = 2 * time.Millisecond
)

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
		timer := time.NewTimer(firstSample)
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
