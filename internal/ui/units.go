package ui

import (
	"fmt"
	"math"
	"time"
)

// unknown stands for a number that is not known yet.
const unknown = "-"

// Bytes formats a number of bytes in SI units with three significant digits:
// 999 B, 1.00 kB, 12.3 MB. A negative number is unknown: "-".
func Bytes(n int64) string {
	if n < 0 {
		return unknown
	}
	return si(float64(n))
}

// Rate formats bytes per second as Bytes does: 12.3 MB/s. What is not a
// positive number is 0 B/s.
func Rate(bytesPerSec float64) string {
	return si(finite(bytesPerSec)) + "/s"
}

// si moves to the next unit at 999.5, where three digits would round to 1000.
func si(v float64) string {
	if v < 999.5 {
		return fmt.Sprintf("%.0f B", v)
	}
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	v /= 1000
	i := 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	return digits(v) + " " + units[i]
}

// digits formats v with three significant digits, all of those before the point.
func digits(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// finite returns v, or 0 where v is no rate: negative, infinite or no number.
func finite(v float64) float64 {
	if v > 0 && !math.IsInf(v, 1) {
		return v
	}
	return 0
}

// percent formats part of whole, rounded down to a tenth: 100% is all of it.
// A whole below 0 is unknown, and of nothing every part is all.
func percent(part, whole int64) string {
	switch {
	case whole < 0:
		return unknown
	case part >= whole:
		return "100%"
	}
	tenths := min(math.Floor(1000*float64(max(part, 0))/float64(whole)), 999)
	return fmt.Sprintf("%.1f%%", tenths/10)
}

// eta formats the time that the rest takes at the rate of now.
func eta(s Snapshot) string {
	rate := finite(s.RateBytesPerSec)
	switch {
	case s.Total < 0:
		return unknown
	case s.Done >= s.Total:
		return clock(0)
	case rate == 0:
		return unknown
	}
	seconds := math.Ceil(float64(s.Total-s.Done) / rate)
	// A time.Duration ends at 292 years, and nobody plans beyond 99 days.
	if seconds >= 100*24*3600 {
		return ">99d"
	}
	return clock(time.Duration(seconds) * time.Second)
}

// clock formats d, rounded down to seconds: 0:05, 12:34, 1:02:03, and from 100
// hours on 5d04h.
func clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	case s < 100*3600:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%dd%02dh", s/(24*3600), s/3600%24)
}

// span formats how long the fetch took.
func span(d time.Duration) string {
	// Three digits would round the last half second below a minute to 60.0 s.
	if d < 59950*time.Millisecond {
		return digits(max(d, 0).Seconds()) + " s"
	}
	return clock(d)
}

// RoundTrip formats a round trip.
func RoundTrip(d time.Duration) string {
	if d <= 0 {
		return unknown
	}
	return digits(float64(d)/float64(time.Millisecond)) + " ms"
}
