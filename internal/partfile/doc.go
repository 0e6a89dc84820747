// Package partfile is the destination of a fetch on disk: a part file beside
// the final name, which becomes the final name in one step once it is whole.
//
//	p, err := partfile.Create(dest, size, partfile.Option{})
//	defer p.Close()           // keeps the part file unless Commit came first
//	p.WriteAt(piece, offset)  // verified bytes only, from any goroutine
//	err = p.Commit()
//
// The contract:
//
//   - The final name shows what it showed before, or the whole file; after a
//     crash too. Commit syncs the data before it renames, and the directory
//     after. What was under the name stays until that rename.
//   - One fetch at a time: the part file is locked, a second Create for the
//     same destination fails with ErrLocked at once.
//   - A part file of an earlier run is taken over with its bytes, cut or grown
//     to the new size. Which of them are good is not known here.
//   - A Part ends with Commit, Close or Discard, failed or not; only Discard and
//     a Commit that succeeds take the part file away.
//   - Errors name the path and wrap the cause: errors.Is(err, syscall.ENOSPC).
//
// Commit trusts its caller that every byte has been written.
//
// Known limitations:
//
//   - A directory sync that fails after the rename cannot be undone where an old
//     file was replaced. Commit then returns ErrUnsynced: the final name shows
//     the whole new file, and a power cut may bring the old state back.
//   - Whoever may write in the directory can replace the part file between
//     Commit's last look and its rename. A directory that strangers may write in
//     must have the sticky bit.
//   - A file that is replaced passes on neither its mode nor its owner.
//   - Locks hold within one machine on file systems that keep them local.
//   - On Windows directories are not synced (the rename is written through), and
//     on systems other than Linux nothing is preallocated, so a full disk shows
//     late.
package partfile
