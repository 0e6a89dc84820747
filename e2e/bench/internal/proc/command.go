package proc

import (
	"os"
	"os/exec"
	"strings"
)

// Command is a program to run.
type Command struct {
	Args  []string // the program and its arguments
	Env   []string // NAME=VALUE, beside the bench's own
	Netns string   // name of the network namespace; "" is the bench's own
	Dir   string   // working directory; "" is the bench's own
}

// args returns what is executed. `ip netns exec` executes the program in its
// own place, so that the process is the program's.
func (c Command) args() []string {
	if c.Netns == "" {
		return c.Args
	}
	return append([]string{"ip", "netns", "exec", c.Netns}, c.Args...)
}

func (c Command) cmd() *exec.Cmd {
	args := c.args()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir = c.Dir
	return cmd
}

// String returns the command as one would type it into a shell.
func (c Command) String() string {
	var words []string
	for _, setting := range c.Env {
		name, value, _ := strings.Cut(setting, "=")
		words = append(words, name+"="+quote(value))
	}
	for _, arg := range c.args() {
		words = append(words, quote(arg))
	}
	return strings.Join(words, " ")
}

// quote returns the word as a POSIX shell reads it back.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_./:=,@+%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
