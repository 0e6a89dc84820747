// Package scenario is what is measured: each scenario sets a place up, lets the
// contenders run in it and returns what they did.
//
// Contenders take turns, A B C A B C, so that what slows the machine for a while
// slows them all. On loopback and the cable their servers stay up, and a first
// turn warms up and is not counted. In the lab each run has a lab, servers and
// namespaces of its own, with the number of the run for its seed: nothing is
// left of the run before, and all lose the same packets of their streams.
package scenario
