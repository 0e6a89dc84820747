//go:build !linux

package netns

import "errors"

// Do calls f within the namespace. Only the process's own, "", is known here.
func Do(name string, f func() error) error {
	if name == "" {
		return f()
	}
	return errors.New("network namespaces need Linux")
}
