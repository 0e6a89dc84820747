package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"go.uber.org/zap"

	"chunkcp/config"
	"chunkcp/peer"
)

// reloader reads the config file again at each SIGHUP, and has a fetch or a server go
// on with what it says then. One that is no good changes nothing.
type reloader struct {
	take     func(*config.File) ([]zap.Field, error) // has what is read be used, and says what it was
	load     func() (*config.File, error)            // reads it
	log      *zap.Logger
	end      func(cause error) // ends the command
	terminal bool              // it was started on one
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
			fields, err := r.reload()
			if err != nil {
				r.log.Error("config not taken over", zap.Error(err))
				continue
			}
			r.log.Info("config read again", fields...)
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

func (r *reloader) reload() ([]zap.Field, error) {
	file, err := r.load()
	if err != nil {
		return nil, err
	}
	return r.take(file)
}

// peersOf has a fetch go on with the peers of a config file.
func peersOf(f *peer.Fetch) func(*config.File) ([]zap.Field, error) {
	return func(file *config.File) ([]zap.Field, error) {
		list, err := fetchPeers(nil, file)
		if err != nil {
			return nil, err
		}
		return []zap.Field{zap.Int("peers", len(list))}, f.SetPeers(list)
	}
}

// accessOf has a server go on with whom a config file has it serve. private is what
// it did not serve at its start, and the keys that the file names by now are not
// served either.
func accessOf(s *peer.Server, private []string) func(*config.File) ([]zap.Field, error) {
	return func(file *config.File) ([]zap.Field, error) {
		psk, err := loadPSK(file.Serve.PSKFile)
		if err != nil {
			return nil, err
		}
		s.SetPrivate(append(keyFiles(file), private...))
		fields := []zap.Field{zap.Int("allowed", len(file.Serve.Allow)), zap.Bool("psk", psk != nil)}
		return fields, s.SetAccess(psk, file.Serve.Allow)
	}
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
