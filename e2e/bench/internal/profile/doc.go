// Package profile says what the processors did while a transfer ran: perf
// samples all of them, and each sample is counted under what its stack is known
// by. A Recorder has perf run, read parses what perf script prints, and use is
// where a stack belongs.
//
// Known limitations: what runs meanwhile without having to do with the transfer
// is counted too, but for this process and perf. Of programs without symbols, as
// distributions install them, the user mode is told apart by library only. A
// virtual machine that has no counters is sampled by a timer, which comes late
// where interrupts are off: their time is counted where they are switched on
// again.
package profile
