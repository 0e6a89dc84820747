package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// run builds the lab, runs the command in it and takes it down. It returns the
// command's exit code, which means nothing beside an error.
func run(opts options) (code int, err error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("making network namespaces needs root: run it with sudo")
	}
	// From here on signals end the command, and its end the lab.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer signal.Stop(signals)

	unlock, err := lockPrefix(opts.prefix)
	if err != nil {
		return 0, err
	}
	defer unlock()
	var out *os.File
	if opts.json != "" { // found out to be unwritable before the run, not after
		if out, err = os.Create(opts.json); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}

	fabric := newFabric(opts.hosts, opts.seed)
	tuns := make([]int, 0, len(opts.hosts))
	defer func() {
		for _, fd := range tuns {
			unix.Close(fd)
		}
	}()
	for _, h := range opts.hosts {
		ns := namespace{opts.prefix + "-" + h.name}
		defer func() { err = errors.Join(err, ns.delete()) }()
		fd, e := ns.create(h)
		if e != nil {
			return 0, e
		}
		tuns = append(tuns, fd)
	}

	pump, err := startPump(fabric, tuns)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if len(opts.command) == 0 {
		fmt.Fprintln(os.Stderr, "lab: up")
		select {
		case <-signals:
		case <-pump.done:
		}
	} else {
		code, err = runCommand(opts, signals, pump.done)
	}
	// The links' counters are the pump's until it has ended.
	err = errors.Join(err, pump.stop())
	r := newReport(fabric, opts.seed, time.Since(start))
	if opts.stats {
		r.print(os.Stderr)
	}
	if out != nil {
		err = errors.Join(err, r.writeJSON(out))
	}
	return code, err
}
