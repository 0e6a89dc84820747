package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// More commands of the scripts:
//
//	crash NAME                  end a server without a goodbye
//	hangup NAME                 send SIGHUP to what background has started, or serve
//	logs NAME TEXT              wait until a server's log has the text
//	leaves BYTES CODE ARGS...   run chunkcp, and close its standard output once it has written so much
//	peers FILE ADDR...          make a config file that names these peers
//	flip FILE OFFSET            damage a byte of a file, whose time of change stays
//	age FILE                    have a file be changed an hour ago

func hangup(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 1, "hangup NAME")
	p := stageOf(ts).processes[args[0]]
	if s := stageOf(ts).servers[args[0]]; s != nil {
		p = s.process
	}
	if p == nil {
		ts.Fatalf("%s was not started", args[0])
	}
	ts.Check(p.cmd.Process.Signal(syscall.SIGHUP))
}

func logs(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 2 && stageOf(ts).servers[args[0]] != nil, "logs NAME TEXT")
	s := stageOf(ts).servers[args[0]]
	if err := await(startLimit, func() bool { return strings.Contains(s.stderr.String(), args[1]) }); err != nil {
		ts.Fatalf("%q is not in the log of %s: %v\n%s", args[1], args[0], err, s.stderr.String())
	}
}

func crash(ts *testscript.TestScript, neg bool, args []string) {
	servers := stageOf(ts).servers
	wants(ts, neg, len(args) == 1 && servers[args[0]] != nil, "crash NAME")
	servers[args[0]].kill()
	delete(servers, args[0])
}

func leaves(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) > 2, "leaves BYTES CODE ARGS...")
	n, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	r, w, err := os.Pipe()
	ts.Check(err)
	p, err := startWith(ts, args[2:], w)
	w.Close()
	ts.Check(err)
	_, err = io.CopyN(io.Discard, r, n)
	r.Close()
	if err != nil {
		p.kill()
		ts.Fatalf("after fewer than %d bytes: %v\n%s", n, err, p.stderr.String())
	}
	checkEnd(ts, p, args[1], fetchLimit)
}

func writePeers(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) > 1, "peers FILE ADDR...")
	var b strings.Builder
	for _, addr := range args[1:] {
		fmt.Fprintf(&b, "[[peer]]\naddr = %q\n", addr)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	path, offset := pathAndSize(ts, neg, args, "flip FILE OFFSET")
	info, err := os.Stat(path)
	ts.Check(err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	ts.Check(err)
	var b [1]byte
	_, err = f.ReadAt(b[:], offset)
	ts.Check(err)
	b[0] ^= 1
	_, err = f.WriteAt(b[:], offset)
	ts.Check(err)
	ts.Check(f.Close())
	ts.Check(os.Chtimes(path, info.ModTime(), info.ModTime()))
}

func age(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 1, "age FILE")
	then := time.Now().Add(-time.Hour)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), then, then))
}

// startWith is startIn with a standard output of one's own.
func startWith(ts *testscript.TestScript, args []string, stdout *os.File) (*process, error) {
	p := &process{cmd: exec.Command("chunkcp", args...), exited: make(chan struct{})}
	p.cmd.Stdout = stdout
	return p, p.run(ts.MkAbs("."), scriptEnvironment(ts))
}
