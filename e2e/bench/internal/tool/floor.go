package tool

import "chunkcp/e2e/bench/internal/proc"

// Floor reads, seals, opens, hashes and writes the file with chunkcp's own ciphers and
// hash, by way of the kernel's UDP but without a protocol or another process: what no
// transfer that seals and verifies with them can be faster than by much.
func Floor(program string) Tool {
	return Tool{
		Name: "floor",
		Fetch: func(c Client) (proc.Command, error) {
			return proc.Command{Args: []string{program, c.Path(), c.Out}}, nil
		},
	}
}
