package secure

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxSecretFile bounds what is read of a file that holds a secret, which has
// under 200 bytes. Arbitrary: room for the comments of a careful operator.
const maxSecretFile = 4096

// readSecretFile returns the contents of a file that only its owner may have
// any permission on (on unix). It reads a byte more than maxSecretFile at most.
func readSecretFile(path string) ([]byte, error) {
	f, err := openRegular(path, anyAccess, "holds a secret")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSecretFile+1))
}

// secretLine returns the one line of a secret's file that is neither empty nor
// a comment. No error shows anything of it.
func secretLine(data []byte) (string, error) {
	if len(data) > maxSecretFile {
		return "", fmt.Errorf("it has more than %d bytes", maxSecretFile)
	}
	var secret string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if secret != "" {
			return "", errors.New("it has more than one line that is not a comment")
		}
		secret = line
	}
	if secret == "" {
		return "", errors.New("it has no key")
	}
	return secret, nil
}
