package partfile

import (
	"errors"
	"io/fs"
	"os"
)

var (
	// ErrLocked reports that another fetch writes the same destination.
	ErrLocked = errors.New("another fetch is writing this file")

	// ErrExists reports a destination that exists and was not to be replaced.
	ErrExists = errors.New("destination exists and is not to be replaced")

	// ErrJournal reports that the journal cannot be written: the fetch goes on,
	// but a later one cannot take over what it has from here on.
	ErrJournal = errors.New("what is fetched from now on cannot be resumed")

	// ErrUnsynced reports a Commit that did its work but could not make it
	// durable: the whole file is under the final name.
	ErrUnsynced = errors.New("the file is complete, but a power cut may undo it")
)

// pathError names the operation and the path once, whatever the disk's own
// error says of them.
func pathError(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: cause(err)}
}

// cause takes off the operation and path that package os adds.
func cause(err error) error {
	switch err := err.(type) {
	case *fs.PathError:
		return err.Err
	case *os.LinkError:
		return err.Err
	}
	return err
}
