package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"go.uber.org/zap"

	"chunkcp/peer"
)

// reloader reads the config file again at each SIGHUP, and has the fetch go on
// with the peers that it names then.
type reloader struct {
	fetch    *peer.Fetch
	config   string // as --config has it
	log      *zap.Logger
	end      func(cause error) // ends the fetch
	terminal bool              // the fetch was started on one
}

func (r *reloader) run() (stop func()) {
	hangups, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		defer close(done)
		for range hangups {
			if r.terminal && !terminalIsThere() {
				r.end(errInterrupted) // what SIGHUP says of its own: the window was closed
				continue
			}
			n, err := r.reload()
			if err != nil {
				r.log.Error("config not taken over", zap.Error(err))
				continue
			}
			r.log.Info("config read again", zap.Int("peers", n))
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

func (r *reloader) reload() (peers int, err error) {
	file, err := loadConfig(r.config)
	if err != nil {
		return 0, err
	}
	list, err := fetchPeers(nil, file)
	if err != nil {
		return 0, err
	}
	return len(list), r.fetch.SetPeers(list)
}

// terminalIsThere reports whether the process still has its terminal: one that
// was hung up cannot be opened (POSIX, General Terminal Interface, 11.1.3).
func terminalIsThere() bool {
	if runtime.GOOS == "windows" {
		return false // there SIGHUP is the console's closing
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}
