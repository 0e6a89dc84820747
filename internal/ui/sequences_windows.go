package ui

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableSequences makes a console obey control sequences, which Windows 10
// leaves off by default (Console Virtual Terminal Sequences, SetConsoleMode).
func enableSequences(f *os.File) (restore func(), err error) {
	handle := windows.Handle(f.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return nil, err
	}
	if err := windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING); err != nil {
		return nil, err
	}
	return func() { _ = windows.SetConsoleMode(handle, mode) }, nil
}
