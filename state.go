package main

import (
	"os"
	"path/filepath"

	"chunkcp/config"
	"chunkcp/internal/secure"
)

// loadConfig reads the config file that the flags, the environment or the usual
// places name; an empty one if there is none.
func loadConfig(explicit string) (*config.File, error) {
	path, err := config.Find(explicit, os.Getenv)
	if err != nil || path == "" {
		return &config.File{}, err
	}
	return config.Load(path)
}

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
