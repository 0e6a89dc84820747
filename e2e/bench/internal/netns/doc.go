// Package netns reaches into network namespaces: it opens sockets there, sets
// their TCP's settings, and joins two of them by a cable.
//
// Known limitations: Linux and root only; namespaces have names, by which
// iproute2 knows them (ip-netns(8)).
package netns
