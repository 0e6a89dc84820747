// Package e2e tests the chunkcp program as its users have it: built once, run
// as processes that talk over loopback.
//
//	scenario_test.go   links that lose, delay, duplicate, reorder and damage
//	crash_test.go      fetches that are killed and go on (victim_test.go)
//	death_test.go      servers that die, stop, come late and come back
//	flap_test.go       a path that is down 2 s in every 5
//	rogue_test.go      servers that lie, stall and say nothing (rogueserver_test.go)
//	words_test.go      a server whose words are made for the terminal
//	greedy_linux_test.go clients that take nothing (rogueclient_test.go)
//	garbage_linux_test.go noise and forgeries at line rate (forger_linux_test.go)
//	large_linux_test.go a file of several GiB in bounded memory
//	interop_*_test.go  the cases of the QUIC interop runner (docs/interop.md)
//	siege_linux_test.go 10,000 idle sessions (crowd_test.go) and a million Hellos
//	                   (flood_linux_test.go): memory, and a fetch meanwhile
//	script_test.go     the command line, by the scripts in testdata/script
//	loopback.sh        the same in shell, for people: three servers, one killed
//
// Package relay is the bad network, package lab a wide-area one that needs root; floor is
// what the bench holds chunkcp against on one machine.
//
// The contract of the tests:
//
//   - A fault is asserted: a test of 5 % loss fails where nothing was lost.
//   - A server that no test killed must end with exit code 0 and must not have
//     logged an error.
//   - File content depends on its position, so a misplaced byte shows.
//   - Ports are the kernel's choice, processes are stopped by their pid.
//
// What waits for slow links runs side by side. go test -short leaves out what takes more than a few seconds. go test does not
// see that the program it would run has changed: -count=1 keeps it from showing
// an old result, as make does.
package e2e
