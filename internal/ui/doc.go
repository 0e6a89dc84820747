// Package ui shows a fetch to its user: bars on a terminal, a plain line now
// and then elsewhere, a summary at the end, or one JSON object for programs.
//
// It knows nothing of peers, sessions or sockets. The caller fills a Snapshot
// whenever it is asked for one, and a Result when the fetch is over.
//
// # Contract
//
//   - Nothing is written but to the io.Writer given, which is stderr for all
//     but WriteJSON. No colour is used, so NO_COLOR is always kept; the only
//     control sequences are "cursor up" and "erase below", and only on a
//     terminal.
//   - Log lines printed through Progress.Writer stand above the bars, whole and
//     in order. Writing one never waits for a Snapshot, so a caller may log
//     with its locks held.
//   - Stop takes the bars off the terminal. A program that dies without it
//     leaves the last frame with the cursor below it and the terminal in its
//     usual mode: it is never changed.
//   - Text that a server chose (an address, a state, a note, an error) is
//     escaped wherever it is shown: see Escape. Log lines are the caller's to
//     escape.
//
// # Units
//
// Everything people read uses SI units, powers of 1000, with three significant
// digits: 999 B, 1.00 kB, 12.3 MB, 456 GB and 12.3 MB/s. Round trips are in ms. Times are m:ss or h:mm:ss, below a minute in the summary in s.
// Percentages are rounded down, so that 100% means all of it. JSON has plain
// numbers in base units, named in each field: bytes, seconds, bytes per second.
//
// # Known limitations
//
//   - When a terminal is made narrower, the rows that the old frame takes are
//     counted as most terminals wrap them. One that cuts lines instead (xterm,
//     the Linux console) loses a few lines above the bars.
//   - A line feed typed at the keyboard, or a return from the background,
//     leaves a stale copy of a line above the bars.
//   - Stop waits for a terminal that is stopped with Ctrl-S.
package ui
