// Package peer is who talks to whom: Serve answers for the files of a directory,
// Run fetches one from all peers that have it.
//
// # A session
//
// A session is one socket of the client joined to one peer by a handshake
// (handshake.go on the client's side, halfopen.go on the server's), and what
// both sides have in common (session.go): sealed datagrams in, sealed datagrams
// out, an arq.Sender and an arq.Receiver between them. One goroutine owns it.
// Which bytes are wanted and what they are for is the party's business:
// clientSession or serverSession. The sessions of one fetch with one server share
// a congestion controller (coupling.go).
//
// # A server
//
// One goroutine reads each socket; it answers handshakes itself and hands sealed
// datagrams to their sessions through bounded inboxes. A full inbox drops, and is
// counted: the reader never waits for a session. A session reads its files as it
// sends: the file is the retransmission buffer.
//
// # A fetch
//
// Each peer has a goroutine that keeps a session with it (peerstate.go); further
// sessions are spread over the live peers (sessions.go). A session asks the
// assigner for ranges, collects their bytes in pieces of a mebibyte, and hands
// complete ones to the writers. What all pieces take is bounded, and so is, by
// the credit that sessions give, what is in flight. A peer that is silent with
// work outstanding loses it to the others at once.
//
// # Known limitations
//
// Nothing is verified but that what a server sealed is what arrived: a server is
// believed about its file's content, and replicas are told apart by size only.
// A fetch begins anew each time. A server answers to the address that opened the
// session: a client whose address changes opens another. Half-open handshakes are
// bounded, but strangers can use them all up.
package peer
