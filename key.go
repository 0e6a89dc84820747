package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func keyCommand() *cli.Command {
	return command(&cli.Command{
		Name:   "key",
		Usage:  "print this host's public key, as configs pin it",
		Action: key,
	})
}

// key prints the public key. At first use the key is made.
func key(c *cli.Context) error {
	if c.Args().Present() {
		return &usageError{fmt.Errorf("key takes no argument, got %q", c.Args().First())}
	}
	identity, _, err := loadIdentity()
	if err != nil {
		return err
	}
	if _, err := fmt.Println(identity.PublicKey()); err != nil {
		return &localError{err}
	}
	return nil
}
