// Package proc starts the programs that are measured, says what they used, and
// stops them.
//
// A Command becomes a Process by Start. Each process leads a group of its own
// and gets SIGKILL should the bench die; Stop ends it and its group. What a
// process and its children used comes from two places: CPU time from wait4 for
// one that ended, from /proc for one that runs; memory always from /proc,
// where VmHWM is the peak of the program itself. (The ru_maxrss of wait4 is of
// no use here: a child that the Go runtime starts shares the bench's memory
// until it executes its program, and the kernel counts that peak as its own.)
//
// Known limitations: Linux only. The memory of a process that lives less than
// a few milliseconds is not seen.
package proc
