// Package diskmodel is a disk in memory that forgets as a real one does, for
// tests of what a crash or an error leaves behind.
//
//	d := diskmodel.New()
//	d.Fault = func(n int, c diskmodel.Call) error { … } // fails any call
//	p, err := partfile.Create("/d/file", size, partfile.Option{FS: d})
//	…
//	d = d.Crash(rng) // what the next boot finds
//
// The model, which is the worst that POSIX allows:
//
//   - Of the changes that no sync has covered each survives a crash or not, on
//     its own and in no order; a write may be torn. A change of names survives
//     on its own too, but a rename is one change.
//   - A sync that fails loses what it should have written for good, though reads
//     still show it until the crash: the next sync does not write it again
//     (what Linux does with the pages, Rebello et al., USENIX ATC 2020).
//   - A write that fails has done half of its work.
//   - An open file stays what it was when its name is removed or taken by
//     another file.
//
// Known limitations: there is one directory, no links, no permissions, and a
// mode is durable at once. A Disk may be used by any number of goroutines, but
// Fault must be set while nobody does.
package diskmodel
