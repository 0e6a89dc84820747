package ui

// Result is a fetch that is over, well or not.
type Result struct {
	Snapshot        // the last one
	Out      string // where the file went: a path, or "-" for stdout
	Err      error  // nil when all of the file is there
	ExitCode int    // of the program
	Limit    string // what limited the rate, in words, or ""
}
