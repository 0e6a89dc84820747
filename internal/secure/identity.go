package secure

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flynn/noise"

	"chunkcp/internal/atomicfile"
)

// Identity is a static X25519 key pair: what this side is known by.
type Identity struct{ private *ecdh.PrivateKey }

// NewIdentity draws a key pair from random, crypto/rand.Reader if nil.
func NewIdentity(random io.Reader) (*Identity, error) {
	if random == nil {
		random = rand.Reader
	}
	secret := make([]byte, keyLen)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("draw a new identity: %w", err)
	}
	return newIdentity(secret)
}

func newIdentity(secret []byte) (*Identity, error) {
	private, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		return nil, errors.New("the private key is not one of X25519")
	}
	return &Identity{private}, nil
}

// PublicKey returns the half of the pair that peers know.
func (id *Identity) PublicKey() PublicKey { return PublicKey(id.private.PublicKey().Bytes()) }

// String returns the public key.
func (id *Identity) String() string { return id.PublicKey().String() }

// Format implements fmt.Formatter: every verb prints the public key, and none the secret.
func (id Identity) Format(s fmt.State, _ rune) { io.WriteString(s, id.String()) }

func (id *Identity) keypair() noise.DHKey {
	return noise.DHKey{Private: id.private.Bytes(), Public: id.private.PublicKey().Bytes()}
}

// LoadIdentity reads the identity file at path. At first use it makes one,
// with mode 0600, in a directory that it makes with mode 0700; of processes
// that race to make it, all get the same identity. On unix it refuses a file
// that others have any permission on or own, and says what to do.
func LoadIdentity(path string) (*Identity, error) {
	id, err := readIdentity(path)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = createIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("identity file: %w", err)
	}
	return id, nil
}

func readIdentity(path string) (*Identity, error) {
	data, err := readSecretFile(path)
	if err != nil {
		return nil, err
	}
	id, err := parseIdentity(data)
	if err != nil {
		return nil, fmt.Errorf("%s is malformed: %w; restore it from a backup, or delete it to have "+
			"a new one made, which peers that know the old key will refuse", path, err)
	}
	return id, nil
}

func createIdentity(path string) (*Identity, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := checkParent(path); err != nil {
		return nil, err
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	// Another process may have made it while this one waited for the lock.
	if id, err := readIdentity(path); !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id, err := NewIdentity(nil)
	if err != nil {
		return nil, err
	}
	return id, atomicfile.Write(path, id.encode())
}

// encode returns the contents of an identity file.
func (id *Identity) encode() []byte {
	return fmt.Appendf(nil, "# chunkcp identity, keep it secret; its public key is %s\n%s\n",
		id, base64.StdEncoding.EncodeToString(id.private.Bytes()))
}

// parseIdentity reads the contents of an identity file: one line of base64,
// and any number of empty lines and of comments.
func parseIdentity(data []byte) (*Identity, error) {
	key, err := secretLine(data)
	if err != nil {
		return nil, err
	}
	secret, err := decodeKey(key)
	if err != nil {
		return nil, err
	}
	return newIdentity(secret)
}
