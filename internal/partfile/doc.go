// Package partfile is the destination of a fetch on disk: a part file beside
// the final name, which becomes the final name in one step once it is whole. A
// journal beside it says which pieces an interrupted fetch has left there.
//
//	p, err := partfile.Create(dest, size, partfile.Option{})
//	defer p.Close()           // keeps the part file unless Commit came first
//	for _, r := range p.Resumed() {
//		p.ReadAt(piece, offset) // hash it: it counts if the hash is r.Hash, and the one wanted
//	}
//	p.WriteAt(piece, offset)  // verified bytes only, from any goroutine
//	p.Note(record)            // once all of a piece is written
//	err = p.Checkpoint()      // now and then
//	err = p.Commit()
//
// For the destination NAME the part file is .NAME.chunkcp-part and the journal
// .NAME.chunkcp-journal, in the same directory, of mode 0600. Names that would be
// too long end in a hash.
//
// The contract:
//
//   - The final name shows what it showed before, or the whole file; after a
//     crash too. Commit syncs the data before it renames, and the directory
//     after. What was under the name stays until that rename.
//   - One fetch at a time: the part file is locked, a second Create for the
//     same destination fails with ErrLocked at once.
//   - A part file of an earlier run is taken over with its bytes, cut or grown
//     to the new size, unless Option.Restart says otherwise. Which of them are
//     good the journal tells, and only the hash of the bytes proves.
//   - Once Checkpoint has returned nil, the pieces noted before it are found by
//     the next run after any crash. What was noted since is found after Close, or
//     a Commit that fails, as long as the machine stays up.
//   - A journal that is damaged says less, never what was not noted. It belongs to
//     one size of file and one of pieces; beside any other part file, or an empty
//     one, it is removed. What it may hold is bounded (header.go).
//   - A journal that cannot be read or written is no reason for a fetch to fail:
//     Checkpoint returns ErrJournal, and the fetch goes on. Errors of the data are
//     fatal, a failed sync above all: what it covered is not in the journal.
//   - A Part ends with Commit, Close or Discard, failed or not; only Discard and
//     a Commit that succeeds take the part file and the journal away. Discard is
//     for one that is Worthless: its size is only what somebody has told.
//   - On Linux a part file leaves some of the disk free (room_linux.go).
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
//   - A crash at the end of Commit may leave the journal. It is not believed, and
//     goes with the next fetch of the same name.
//   - A fetch that begins in the moment in which another one's Commit removes its
//     journal may lose its own first journal, and so some of its resume.
//   - A journal that is nearly full, after some three fetches that were given up
//     at their end, is written anew by a Checkpoint; a power cut or a full disk during
//     that one loses it. Above 16 Mi records it is full and ErrJournal is returned.
//   - Whoever may write in the directory can forge a journal: its checksums are
//     against accidents. A forged one costs a read of each piece.
//   - Close and Commit wait for a Checkpoint under way, as long as the disk takes.
//   - A file that is replaced passes on its mode, but not its owner.
//   - Locks hold within one machine on file systems that keep them local.
//   - On Windows directories are not synced (the rename is written through), and
//     on systems other than Linux nothing is preallocated, so a full disk shows
//     late.
package partfile
