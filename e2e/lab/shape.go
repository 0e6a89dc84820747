package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// shape is what one direction of a link does to packets. The zero shape passes
// everything at once.
type shape struct {
	rateBytesPerSec float64       // 0 is unlimited
	trace           trace         // delivery opportunities; nil is none
	queueBytes      int           // what may wait for the rate or the trace
	delay           time.Duration // of every packet
	jitter          time.Duration // at most so much more, order kept; drawn once in so long
	loss            float64       // share of packets lost
	burst           float64       // mean packets of a run of losses; 0 and 1 are independent losses
	dup             float64       // share delivered twice
	reorder         float64       // share held back
	corrupt         float64       // share of UDP datagrams damaged
	cutAt, cutFor   time.Duration // black-out, counted from the link's first packet
}

// set takes one option as the command line spells it.
func (s *shape) set(option, value string) (err error) {
	switch option {
	case "rate":
		s.rateBytesPerSec, err = parseRate(value)
	case "trace":
		s.trace, err = readTrace(value)
	case "queue":
		if s.queueBytes, err = strconv.Atoi(value); err == nil && s.queueBytes <= 0 {
			err = errors.New("want a positive number of bytes")
		}
	case "delay":
		s.delay, err = parseDelay(value)
	case "jitter":
		s.jitter, err = parseDelay(value)
	case "loss":
		s.loss, err = parseShare(value)
	case "burst":
		if s.burst, err = strconv.ParseFloat(value, 64); err == nil && !(s.burst >= 1) {
			err = errors.New("want a mean of 1 packet or more")
		}
	case "dup":
		s.dup, err = parseShare(value)
	case "reorder":
		s.reorder, err = parseShare(value)
	case "corrupt":
		s.corrupt, err = parseShare(value)
	case "cut":
		s.cutAt, s.cutFor, err = parseCut(value)
	default:
		return fmt.Errorf("unknown option %q", option)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: %w", option, value, err)
	}
	return nil
}

// finish fills in defaults and refuses options that contradict each other.
func (s *shape) finish() error {
	if s.trace != nil && s.rateBytesPerSec > 0 {
		return errors.New("rate and trace exclude each other: leave one out")
	}
	if s.burst > 1 && s.loss < 1 && s.loss/((1-s.loss)*s.burst) > 1 {
		return fmt.Errorf("a loss of %v needs a burst of %.4g or more", s.loss, s.loss/(1-s.loss))
	}
	if s.queueBytes > 0 {
		return nil
	}
	// A queue of one bandwidth-delay product of a path of 100 ms, the old rule
	// for routers (Villamizar and Song, 1994). The floor is that of a full
	// burst of 64 KiB, the ceiling of a trace arbitrary.
	s.queueBytes = max(64<<10, int(s.rateBytesPerSec*0.1))
	if s.trace != nil {
		s.queueBytes = 400 << 10
	}
	return nil
}

// parseRate returns bytes per second of a number of bits per second.
func parseRate(s string) (float64, error) {
	bits := 1.0
	for _, unit := range []struct {
		name string
		bits float64
	}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}} {
		if number, ok := strings.CutSuffix(s, unit.name); ok {
			s, bits = number, unit.bits
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0 && n*bits <= 1e12) {
		return 0, errors.New("want a positive number with kbit, mbit, gbit or nothing (bit/s)")
	}
	return n * bits / 8, nil
}

func parseDelay(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil && d < 0 {
		err = errors.New("want a time of 0 or more")
	}
	return d, err
}

// parseShare returns a probability.
func parseShare(s string) (float64, error) {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, errors.New("want a share of 0 to 1, such as 0.01")
	}
	return p, nil
}

func parseCut(s string) (at, length time.Duration, err error) {
	before, after, ok := strings.Cut(s, ":")
	if !ok {
		return 0, 0, errors.New("want AT:FOR, such as 2s:500ms")
	}
	if at, err = parseDelay(before); err != nil {
		return 0, 0, err
	}
	length, err = parseDelay(after)
	return at, length, err
}

func readTrace(path string) (trace, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseTrace(string(text))
}
