// Package assign decides which session of a fetch gets which pieces of the file,
// so that all of them end together, however fast each is. It is sans-IO: who calls it
// tells the time, and the rates that sessions measure with a Meter.
//
//	a := assign.New(size, peers)
//	a.Join(id, peer, 0)
//	work, ok := a.Next(now, id) // what to fetch besides what it holds
//	news, losers := a.Received(id, piece)
//	a.Leave(id) // what it held is free again
//
// # Known limitations
//
// Sessions with different peers are taken to have paths of their own, though they may
// share the client's line.
package assign
