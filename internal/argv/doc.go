// Package argv puts a command's flags in front of its arguments, so that
// "fetch NAME -n 8" means what "fetch -n 8 NAME" does. The CLI library stops
// looking for flags at the first argument, and would take -n and 8 for two
// more names.
//
// It knows the flags of one command by a plain description, so that it does
// not depend on the library. The caller passes what follows the command's
// name, all flags of that command, and also those that the library adds on its
// own: help, h.
//
// # What is a flag
//
//   - -name and --name are the same flag, as in Go's package flag.
//   - A flag that takes a value takes what follows: --name=value, --name value,
//     -n 8, and for one letter also -n8. A lone - is a value like any other.
//   - A word that is a flag, or starts with --, is not taken for a value: with
//     it the value was more likely forgotten. -o=--name says that it is meant.
//     Other words that start with - are values: -n -1.
//   - -- ends the flags: all that follows are arguments.
//   - A lone - and the empty word are arguments.
//   - Everything else that starts with - is an error. Nothing is guessed: a
//     long name behind one dash that nearly is a flag (-ouput) is not taken for
//     -o with the value uput.
//
// # Known limitations
//
// One-letter flags cannot be joined: -qv is an error, as it is for the library.
package argv
