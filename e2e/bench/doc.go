// Command bench measures chunkcp beside other tools as whole processes, on
// loopback, over a cable and over the links of the lab, and draws what it found.
//
//	go run . -out DIR [-runs N] [-scenarios loopback,veth,lab,...]
//
// README.md says what there is to choose and what the numbers mean. The parts:
//
//	internal/scenario   what is measured, and in which order
//	internal/transfer   a tool's servers, and one fetch from them
//	internal/tool       the commands of each tool
//	internal/lab        the lab command, and internal/netns and internal/probe
//	                    what else is done in its namespaces
//	internal/proc       processes, and what they used
//	internal/profile    where the time of processors goes meanwhile
//	internal/report     results, tables, plots; internal/stats reduces runs
//	../floor            what a transfer cannot do without, and nothing else
//	h3                  a client and a server of HTTP/3 with quic-go
//
// It is a module of its own: what draws plots and speaks QUIC is not for the
// product's go.sum.
//
// Known limitations: Linux only. Without root there are no namespaces, so no
// cable and no lab.
package main
