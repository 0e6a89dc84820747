// Command chunkcp fetches a file over UDP from as many servers as have it, at
// once. See README.md for its use and ARCHITECTURE.md for its parts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"chunkcp/internal/argv"
	"chunkcp/internal/ui"
)

// version is what --version prints; the build may set it.
var version = "dev"

func main() {
	ctx, stop := interruptible()
	defer stop()
	os.Exit(run(ctx, os.Args))
}

// errInterrupted is why a context ends at the first Ctrl-C.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that the first SIGINT or SIGTERM ends. The
// second ends the program.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			if ctx.Err() != nil {
				os.Exit(exitInterrupted)
			}
			cancel(errInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
	}
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string) int {
	app := newApp()
	args, err := reorder(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	if code == exitPipe {
		return code // whoever has left wants to hear no more
	}
	printError(os.Stderr, err)
	return code
}

// printError tells the user what went wrong. Text of strangers is quoted where
// it comes in, so that the lines are ours.
func printError(w io.Writer, err error) {
	for line := range strings.SplitSeq(message(err), "\n") {
		fmt.Fprintf(w, "chunkcp: %s\n", ui.Escape(line))
	}
}

func newApp() *cli.App {
	return &cli.App{
		Name:            "chunkcp",
		Usage:           "fetch a file over UDP from as many servers as have it, at once",
		Version:         version,
		Commands:        []*cli.Command{serveCommand(), fetchCommand(), verifyCommand(), hashCommand(), keyCommand(), peersCommand()},
		HideHelpCommand: true,
		OnUsageError:    func(_ *cli.Context, err error, _ bool) error { return &usageError{err} },
		ExitErrHandler:  func(*cli.Context, error) {}, // run maps errors
		Action: func(c *cli.Context) error {
			word := c.Args().First()
			if word == "help" {
				if word = c.Args().Get(1); c.App.Command(word) != nil {
					return cli.ShowCommandHelp(c, word)
				}
			}
			if word != "" {
				return &usageError{fmt.Errorf("no command %q: there are serve, fetch, verify, hash, key and peers", word)}
			}
			return cli.ShowAppHelp(c)
		},
	}
}

// reorder moves a command's flags before its other arguments: the library stops
// at the first of those.
func reorder(app *cli.App, args []string) ([]string, error) {
	for i, word := range args {
		if i == 0 || len(word) > 0 && word[0] == '-' {
			continue
		}
		command := app.Command(word)
		if command == nil {
			return args, nil
		}
		rest, err := argv.Reorder(args[i+1:], describe(command.Flags))
		return append(slices.Clone(args[:i+1]), rest...), err
	}
	return args, nil
}

func describe(flags []cli.Flag) []argv.Flag {
	known := []argv.Flag{{Names: []string{"help", "h"}}}
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		known = append(known, argv.Flag{Names: f.Names(), TakesValue: ok && doc.TakesValue()})
	}
	return known
}
