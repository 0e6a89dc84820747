package tool

import "chunkcp/e2e/bench/internal/proc"

// Cp copies the file on the machine, which is what no transfer can be faster
// than by much.
func Cp() Tool {
	return Tool{
		Name:  "cp",
		Needs: []string{"cp"},
		Fetch: func(c Client) (proc.Command, error) {
			return proc.Command{Args: []string{"cp", c.Path(), c.Out}}, nil
		},
	}
}
