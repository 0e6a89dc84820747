package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// command completes a command as all are: mistakes in its flags are a usageError, and a
// value that is empty is one. What a script meant by "$HASH" is not known where that is
// not set, least of all that it meant nothing.
func command(c *cli.Command) *cli.Command {
	c.HideHelpCommand = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return &usageError{explained(c.Flags, err)} }
	c.Before = func(ctx *cli.Context) error {
		for _, f := range c.Flags {
			name := f.Names()[0]
			if _, ok := f.(*cli.StringFlag); ok && ctx.IsSet(name) && ctx.String(name) == "" {
				return &usageError{fmt.Errorf("%s is empty: give it a value, or leave it out", dashed(name))}
			}
		}
		return nil
	}
	return c
}

// wrongValue is how the library says that a value is no good.
var wrongValue = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([^ :]+): (.*)$`)

// explained says what a value must be where the library only says that it is not.
func explained(flags []cli.Flag, err error) error {
	m := wrongValue.FindStringSubmatch(err.Error())
	if m == nil || strings.Contains(m[3], "range") {
		return err
	}
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), m[2]) })
	if i < 0 {
		return err
	}
	want := "another value"
	switch flags[i].(type) {
	case *cli.DurationFlag:
		want = "a time and its unit, such as 30s"
	case *cli.IntFlag:
		want = "a whole number"
	case *cli.BoolFlag:
		want = "no value, or true or false"
	}
	return fmt.Errorf("invalid value %q for flag -%s: want %s", m[1], m[2], want)
}

// dashed is a flag's name as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
