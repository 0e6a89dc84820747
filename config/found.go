package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"chunkcp/internal/secure"
)

// Place is where a config file is; the zero Place is nowhere.
type Place struct {
	Path  string
	Named bool // by the user, who is believed to mean it
}

// Load reads the file, an empty one if there is none.
//
// A file that nobody has named counts because of where it lies. In /tmp that may
// be anybody's, and it would decide what is served and who is asked, before the
// file in which the user pins keys: one that another user can have written is
// refused, on unix, and not passed over. What is named is read as it is, as ssh
// does with -F.
func (p Place) Load() (*File, error) {
	switch {
	case p.Path == "":
		return &File{}, nil
	case p.Named:
		return Load(p.Path)
	}
	f, err := openFound(p.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return load(f)
}

// openFound opens a config file that nobody has named.
func openFound(path string) (*os.File, error) {
	f, err := secure.OpenBelieved(path, "says what is served and who is asked")
	if err != nil {
		return nil, refusal(path, err)
	}
	if err := checkOwner(path, f); err != nil {
		f.Close()
		return nil, refusal(path, err)
	}
	return f, nil
}

// refusal says why a file is not believed, and how to have it believed.
func refusal(path string, err error) error {
	if _, isIO := errors.AsType[*fs.PathError](err); isIO {
		return readError(path, err)
	}
	return &Error{Err: fmt.Errorf("the config file %w; or name it with --config, if it is to be believed as it is", err)}
}

// checkOwner refuses a file, and a link to one, that is neither this user's nor
// root's.
func checkOwner(path string, f *os.File) error {
	link, err := os.Lstat(path)
	if err != nil {
		return err
	}
	file, err := f.Stat()
	if err != nil {
		return err
	}
	for _, info := range []fs.FileInfo{link, file} {
		if uid, known := owner(info); known && uid != 0 && int64(uid) != int64(os.Geteuid()) {
			return fmt.Errorf("%s belongs to another user (uid %d); remove it, or go to another directory", path, uid)
		}
	}
	return nil
}
