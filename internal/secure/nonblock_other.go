//go:build !unix

package secure

const openNonblock = 0
