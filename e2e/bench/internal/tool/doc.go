// Package tool knows the programs that are compared: how to start the server
// of each, what to type to fetch one file with it, and how much of the file is
// there when it is cut off.
//
// A Tool says what to run; it starts nothing itself. Its servers get an address
// to listen on and files of their own to keep their configuration in, and run
// in the foreground, so that they can be stopped by their process id.
//
// # Known limitations
//
// Servers are configured for speed where their manuals say how (sendfile, no
// log of accesses), and else left at their defaults. The TFTP commands, for
// atftp and tftp-hpa, have not been tried.
package tool
