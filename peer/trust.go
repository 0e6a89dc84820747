package peer

import (
	"errors"
	"fmt"

	"chunkcp/internal/secure"
)

// PinError is a server whose key is not the one that is pinned.
type PinError struct {
	Addr            string
	Pinned, Offered secure.PublicKey
}

func (e *PinError) Error() string {
	return fmt.Sprintf(`the config pins another key for %s: someone may be posing as this server!
  pinned:  %s
  offered: %s
only if its operator confirms that the offered key is the server's new one, pin that`, e.Addr, e.Pinned, e.Offered)
}

// keyChanged is the error of a peer that had another key before in this fetch.
func keyChanged(addr string, met, offered secure.PublicKey) error {
	return fmt.Errorf("%w: %s has proven to have %v, and now offers %v", ErrKey, addr, met, offered)
}

// trust decides whether a peer may have this key. first says that there is no
// other word for it than the peer's.
func (f *Fetch) trust(p *peerState, key secure.PublicKey) (first bool, err error) {
	f.mu.Lock()
	met := p.met
	f.mu.Unlock()
	switch {
	case p.Key != nil && *p.Key != key:
		return false, fmt.Errorf("%w: %w", ErrKey, &PinError{Addr: p.Addr, Pinned: *p.Key, Offered: key})
	case met != nil && *met != key:
		return false, keyChanged(p.Addr, *met, key)
	case p.Key != nil || met != nil:
		return false, nil
	case f.opt.Known == nil:
		return true, nil
	}
	if err := f.opt.Known.Check(p.Addr, key); !errors.Is(err, secure.ErrUnknownPeer) {
		if changed := (*secure.KeyChangedError)(nil); errors.As(err, &changed) {
			err = fmt.Errorf("%w: %w", ErrKey, err)
		}
		return false, err
	}
	return true, nil
}
