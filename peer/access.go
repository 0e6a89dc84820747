package peer

import (
	"errors"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// Server is a running Serve, for who has more to tell it.
type Server struct{ server *server }

// errNotAllowed ends the session of a client that is no longer served.
var errNotAllowed = errors.New("this key is not allowed any more")

// errNobody is a list of clients that was left empty.
var errNobody = errors.New("nobody is allowed")

// SetAccess has the server answer only who has psk, and serve only the clients of
// allow; nil is everybody, in both. Sessions of clients that are not allowed end.
// Who has begun a session with another pre-shared key goes on with it: it is no word
// about one client.
func (s *Server) SetAccess(psk *secure.PSK, allow []secure.PublicKey) error {
	if allow != nil && len(allow) == 0 {
		return errNobody
	}
	s.server.setAccess(psk, allowed(allow))
	return nil
}

func (s *server) setAccess(psk *secure.PSK, allow map[secure.PublicKey]bool) {
	s.admission.psk.Store(psk)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allow = allow
	for _, c := range s.sessions {
		if s.allows(c.holder.key) {
			continue
		}
		c.expelled.Store(true)
		c.wakeUp()
	}
}

// allows reports whether a client is served.
func (s *server) allows(key secure.PublicKey) bool { return s.allow == nil || s.allow[key] }

// forbidden is what a client is told that is not served.
func forbidden() *proto.Close {
	return &proto.Close{Code: proto.CloseForbidden, Reason: "this key is not allowed"}
}

// allowed returns whom to serve, nil for everybody.
func allowed(keys []secure.PublicKey) map[secure.PublicKey]bool {
	if keys == nil {
		return nil
	}
	allow := make(map[secure.PublicKey]bool, len(keys))
	for _, k := range keys {
		allow[k] = true
	}
	return allow
}
