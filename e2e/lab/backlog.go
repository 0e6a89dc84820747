package main

import "time"

// backlog is what waits in the queue of a traced link, in order of departure.
type backlog struct {
	waiting []departure
	first   int // of waiting; what is before it has left
	bytes   int
}

type departure struct {
	due   time.Duration
	bytes int
}

// expire forgets what has left by now and returns the bytes that wait still.
func (b *backlog) expire(now time.Duration) int {
	for b.first < len(b.waiting) && b.waiting[b.first].due <= now {
		b.bytes -= b.waiting[b.first].bytes
		b.first++
	}
	if b.first > len(b.waiting)/2 { // each entry is moved once in the mean
		b.waiting = b.waiting[:copy(b.waiting, b.waiting[b.first:])]
		b.first = 0
	}
	return b.bytes
}

// add appends a packet that leaves at due, not before those added earlier.
func (b *backlog) add(due time.Duration, bytes int) {
	b.waiting = append(b.waiting, departure{due, bytes})
	b.bytes += bytes
}
