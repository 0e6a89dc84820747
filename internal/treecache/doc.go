// Package treecache remembers the piece hashes of files that a server has hashed,
// in a file on disk, so that a server that starts again need not read them all.
//
// A [Key] is what a file is known by: device, inode, size and both times of
// change, of which the one that the system keeps cannot be set back. A
// Cache answers with the complete list of hashes that was put under exactly that
// key, or with nothing; never with another file's, never with part of one.
//
// # Sharing
//
// All servers of a host may share one file. It is a bbolt database, which one
// process at a time can have open, so a Cache has it open only while a Get or a
// Put runs. Who finds it locked waits for a moment (lockTimeout) and then goes
// on without: a Get has found nothing, a Put has stored nothing and says so to
// nobody, because to hash a file again is always right.
//
// # Damage
//
// The file is a cache: what is wrong with it must stop no server. Each time it
// is opened, under its lock, every page is checked before bbolt maps it (vet.go):
// with some damage bbolt calls itself until the stack ends, or asks for more
// memory than there is, and a process recovers from neither. A file that does not
// pass is emptied and begun anew; so is one over which bbolt panics, or whose
// mapping faults. A value holds the root that its hashes join to, and a hash of
// key and root (value.go). Both are checked at each Get; what does not check is
// removed.
//
// # Limits
//
// The values together are kept below a limit in bytes, and below maxEntries in
// number: the least recently used go first. A list that is longer than the limit by
// itself is not stored. The file on disk is at most twice the limit and 64 MiB:
// one that has become so fragmented that this is not enough is begun anew.
//
// # Known limitations
//
// Whoever can write the file is believed: it is made for its owner only (0600 in
// a directory of 0700), but those that exist are taken with the rights they have.
//
// A change of a file that leaves its size and the times of change as they were is
// not seen: where the system keeps none (Windows), one after which the time was set
// back. What changes the system's time only (chmod, another link) has a file hashed
// anew. When a list was last used is kept to the hour (usedGrain): a Get is
// not worth a sync of the disk.
//
// Opening costs a read of each page that holds keys: a Get takes 4 ms among
// 16,384 lists (BenchmarkGetOfFull). A list is joined anew by each Get: 0.4 s for
// a file of 1 TiB (BenchmarkGetOf1TiB).
//
// Where bbolt panics, the mapping of the file stays until the process ends.
// Windows does not let a mapped file be emptied: there the cache then finds and
// stores nothing until all servers have started again. On Windows none of this
// has been run.
//
// Platforms without flock and LockFileEx have no cache: Open fails.
package treecache
