//go:build !race

package arq

// raceEnabled says that the race detector runs, which finds nothing in the long
// simulations of one goroutine and makes them ten times as long.
const raceEnabled = false
