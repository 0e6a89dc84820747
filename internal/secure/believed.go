package secure

import "os"

// OpenBelieved opens a file that is no secret, but that this host does what it
// says: a regular one, which none but its owner may write or replace (on unix).
// Nothing is waited for. holds says what others would gain, for the error.
func OpenBelieved(path, holds string) (*os.File, error) {
	return openRegular(path, writeAccess, holds)
}
