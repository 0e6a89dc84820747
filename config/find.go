package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

const (
	envFile   = "CHUNKCP_CONFIG"
	localFile = "chunkcp.toml"
	program   = "chunkcp" // the name of its directories
)

// Find returns where the config file is: explicit (--config), else
// $CHUNKCP_CONFIG, ./chunkcp.toml or chunkcp/config.toml below
// $XDG_CONFIG_HOME, by default ~/.config (%AppData% on Windows). The first two
// must exist. It returns the zero Place where there is none.
func Find(explicit string, env func(string) string) (Place, error) {
	for _, named := range []struct{ source, path string }{
		{"--config", explicit},
		{"$" + envFile, env(envFile)},
	} {
		if named.path == "" {
			continue
		}
		if _, err := os.Stat(named.path); err != nil {
			return Place{}, &Error{Path: named.path, Err: fmt.Errorf("the config file that %s names: %w", named.source, reason(err))}
		}
		return Place{Path: named.path, Named: true}, nil
	}
	usual := []string{localFile}
	if dir := baseDir(env, "XDG_CONFIG_HOME", ".config"); dir != "" {
		usual = append(usual, filepath.Join(dir, program, "config.toml"))
	}
	for _, path := range usual {
		_, err := os.Stat(path)
		if err == nil {
			return Place{Path: path}, nil
		}
		// One that cannot be seen is not passed over: it may pin keys.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return Place{}, &Error{Path: path, Err: fmt.Errorf("cannot look for a config file: %w", reason(err))}
		}
	}
	return Place{}, nil
}

// StateDir returns the directory of what chunkcp keeps between runs, its key
// and the known_peers: chunkcp below $XDG_STATE_HOME, by default
// ~/.local/state (%AppData% on Windows). It need not exist.
func StateDir(env func(string) string) (string, error) {
	dir := baseDir(env, "XDG_STATE_HOME", filepath.Join(".local", "state"))
	if dir == "" {
		return "", &Error{Err: errors.New("no place for the key: set HOME or XDG_STATE_HOME to an absolute path")}
	}
	return filepath.Join(dir, program), nil
}

// CacheDir returns the directory of what chunkcp could compute anew: chunkcp
// below $XDG_CACHE_HOME, by default ~/.cache (%AppData% on Windows); "" where
// there is none. It need not exist.
func CacheDir(env func(string) string) string {
	dir := baseDir(env, "XDG_CACHE_HOME", ".cache")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, program)
}

// baseDir returns the directory that variable names, else the usual one below
// the home directory, "" if there is none. A relative path counts as not set
// (XDG Base Directory Specification, Basics).
func baseDir(env func(string) string, variable, usual string) string {
	if dir := env(variable); filepath.IsAbs(dir) {
		return dir
	}
	if runtime.GOOS == "windows" {
		if dir := env("AppData"); filepath.IsAbs(dir) { // as os.UserConfigDir
			return dir
		}
		return ""
	}
	if home := env("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, usual)
	}
	return ""
}

// reason is the cause in a file error whose path is said elsewhere.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
