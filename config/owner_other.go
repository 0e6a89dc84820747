//go:build !unix

package config

import "io/fs"

// owner is not known here.
func owner(fs.FileInfo) (uid uint32, known bool) { return 0, false }
