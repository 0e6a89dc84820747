// Package relay puts a bad network between real programs on one host, for
// tests: a UDP relay on loopback whose two directions lose, delay, duplicate,
// reorder and damage datagrams as netsim.Links say.
//
//	r, err := relay.Start(relay.Config{Target: server, Up: netsim.Link{Loss: 0.05}, Seed: 1})
//	defer r.Close()
//	// clients talk to r.Addr() as if it were the server
//
// Up is the way from the clients to the target, Down the way back. All clients
// share the two links, as if the target were behind them. The target sees each
// client at a source port of its own, as behind a NAT; RebindClients changes
// these ports, MoveClients the address too. Damage reaches the programs, as each
// datagram is sent anew with a checksum that fits. A relay beside another one uses
// that one's links: what passes both competes for them.
//
// Config.Watch sees all that passes, and Forge sends clients what the target did
// not: together they are somebody on the way.
//
// # What happens when something is full
//
// Datagrams of clients beyond Config.MaxClients are dropped and counted as
// Unreachable, those beyond 256 MiB under way as BufferDropped. What the
// kernel drops before the relay reads it is counted in SocketDropped: a test
// of exact counts asserts that this is 0.
//
// # Determinism
//
// The fates of a direction's datagrams are drawn from the seed in the order in
// which the relay reads them. One client that sends its datagrams one after
// another meets the same fates in each run; the order among several clients is
// the scheduler's.
//
// # Known limitations
//
// Delays are kept to about a millisecond, as Go's timers are; packages that
// need better use netsim in a bubble, or the lab. Empty datagrams are not
// relayed. A direction with a zero Link forwards without asking an Impairer;
// its datagrams can overtake those still under way when the Link became zero.
package relay
