package main

import (
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"chunkcp/config"
	"chunkcp/internal/secure"
	"chunkcp/internal/treecache"
	"chunkcp/peer"
)

// loadConfig reads the config file that the flags, the environment or the usual
// places name; an empty one if there is none.
func loadConfig(explicit string) (*config.File, error) {
	place, err := findConfig(explicit)
	if err != nil {
		return nil, err
	}
	return place.Load()
}

// findConfig returns where the config file is.
func findConfig(explicit string) (config.Place, error) { return config.Find(explicit, os.Getenv) }

// loadIdentity returns this host's key, made at first use, and the directory in
// which it lies.
func loadIdentity() (*secure.Identity, string, error) {
	dir, err := config.StateDir(os.Getenv)
	if err != nil {
		return nil, "", err
	}
	id, err := secure.LoadIdentity(filepath.Join(dir, "key"))
	if err != nil {
		return nil, "", &config.Error{Err: err}
	}
	return id, dir, nil
}

// loadPSK reads a pre-shared key; none if there is no path.
func loadPSK(path string) (*secure.PSK, error) {
	if path == "" {
		return nil, nil
	}
	psk, err := secure.LoadPSK(path)
	if err != nil {
		return nil, &config.Error{Err: err}
	}
	return psk, nil
}

// openTrees opens what the server remembers of the hashes of its files. Without
// it they are computed anew.
func openTrees(log *zap.Logger) (peer.TreeCache, func()) {
	dir := config.CacheDir(os.Getenv)
	if dir == "" {
		return nil, func() {}
	}
	cache, err := treecache.Open(filepath.Join(dir, "trees"), 0)
	if err != nil {
		log.Warn("hashes are not kept", zap.Error(err))
		return nil, func() {}
	}
	return cache, func() { cache.Close() }
}
