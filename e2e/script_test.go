package e2e

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"chunkcp/e2e/relay"
	"chunkcp/internal/netsim"
)

// The scripts have these commands beside those of package testscript:
//
//	exits CODE ARGS...          run chunkcp, which must end with the exit code
//	serve NAME ROOT [LISTEN]    start a server with a key of its own; sets $NAME to its address and $NAME_KEY
//	halt NAME                   stop a server, which must end well
//	slow NAME TARGET            put a relay of 1 MiB/s before a server; sets $NAME to its address
//	background NAME ARGS...     start chunkcp and go on
//	interrupt NAME              send it SIGINT
//	ended NAME CODE LIMIT       wait for it at most so long; it must have ended with the exit code
//	await FILE                  wait until a file exists
//	conf FILE PEER[#KEY]...     make a config file that names the peers
//	pattern FILE SIZE           make a file of SIZE bytes
//	holds FILE SIZE             the file is what pattern makes
//
// and those of scriptfile_test.go. A command of one's own with the name of one of
// testscript's, such as stop or kill, would never be called.
func TestScripts(t *testing.T) {
	turns := make(chan struct{}, runtime.GOMAXPROCS(0)) // of all that may run at once (TestMain): scripts compute
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			turns <- struct{}{}
			env.Defer(func() { <-turns })
			env.Vars = append(env.Vars, environment(env.WorkDir)...)
			s := &stage{processes: map[string]*process{}, servers: map[string]*server{}}
			env.Values[stageKey{}] = s
			env.Defer(func() { s.clear(env.T()) })
			return nil
		},
		Condition: func(name string) (bool, error) {
			return name == "root" && os.Getuid() == 0, nil
		},
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"crash":      crash,
			"hangup":     hangup,
			"logs":       logs,
			"leaves":     leaves,
			"peers":      writePeers,
			"flip":       flip,
			"age":        age,
			"exits":      exits,
			"serve":      serveScript,
			"halt":       halt,
			"slow":       slow,
			"background": background,
			"interrupt":  interrupt,
			"ended":      ended,
			"await":      awaitFile,
			"conf":       writeConfig,
			"pattern":    makePattern,
			"holds":      holdsPattern,
		},
	})
}

// stage is what a script has started.
type stage struct {
	processes map[string]*process
	servers   map[string]*server
	relays    []*relay.Relay
}

type stageKey struct{}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

func (s *stage) clear(t testscript.T) {
	for _, p := range s.processes {
		p.kill()
	}
	for _, l := range s.relays {
		_ = l.Close()
	}
	for _, server := range s.servers {
		if err := server.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// wants ends a script that has given a command too few or too many arguments.
func wants(ts *testscript.TestScript, neg, ok bool, usage string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) > 0, "exits CODE ARGS...")
	p, err := startIn(ts, args[1:])
	ts.Check(err)
	checkEnd(ts, p, args[0], fetchLimit)
}

// startIn starts chunkcp in the script's directory and with its environment.
func startIn(ts *testscript.TestScript, args []string) (*process, error) {
	return start(ts.MkAbs("."), scriptEnvironment(ts), args...)
}

// scriptEnvironment returns what a script has of the variables of environment.
func scriptEnvironment(ts *testscript.TestScript) (env []string) {
	for _, variable := range environment("") {
		name, _, _ := strings.Cut(variable, "=")
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func checkEnd(ts *testscript.TestScript, p *process, code string, limit time.Duration) {
	want, err := strconv.Atoi(code)
	ts.Check(err)
	got, err := p.wait(limit)
	ts.Check(err)
	_, err = ts.Stdout().Write([]byte(p.stdout.String()))
	ts.Check(err)
	_, err = ts.Stderr().Write([]byte(p.stderr.String()))
	ts.Check(err)
	if got != want {
		ts.Fatalf("exit code %d, want %d:\n%s", got, want, p.stderr.String())
	}
}

func serveScript(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 2 || len(args) == 3, "serve NAME ROOT [LISTEN]")
	listen := "127.0.0.1:0"
	if len(args) == 3 {
		listen = args[2]
	}
	home := ts.MkAbs("server-" + args[0])
	ts.Check(os.MkdirAll(home, 0o755))
	s, err := serve(home, ts.MkAbs(args[1]), listen)
	ts.Check(err)
	stageOf(ts).servers[args[0]] = s
	ts.Setenv(args[0], s.addr.String())
	ts.Setenv(args[0]+"_KEY", s.key)
}

func halt(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 1 && stageOf(ts).servers[args[0]] != nil, "halt NAME")
	servers := stageOf(ts).servers
	ts.Check(servers[args[0]].stop())
	delete(servers, args[0])
}

func slow(ts *testscript.TestScript, neg bool, args []string) {
	servers := stageOf(ts).servers
	wants(ts, neg, len(args) == 2 && servers[args[1]] != nil, "slow NAME SERVER")
	link := netsim.Link{MTU: mtu, Rate: 1 << 20}
	l, err := relay.Start(relay.Config{Target: servers[args[1]].addr, Up: link, Down: link})
	ts.Check(err)
	stageOf(ts).relays = append(stageOf(ts).relays, l)
	ts.Setenv(args[0], l.Addr().String())
}

func background(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) > 1, "background NAME ARGS...")
	p, err := startIn(ts, args[1:])
	ts.Check(err)
	stageOf(ts).processes[args[0]] = p
}

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 1 && stageOf(ts).processes[args[0]] != nil, "interrupt NAME")
	ts.Check(stageOf(ts).processes[args[0]].cmd.Process.Signal(os.Interrupt))
}

func ended(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 3 && stageOf(ts).processes[args[0]] != nil, "ended NAME CODE LIMIT")
	limit, err := time.ParseDuration(args[2])
	ts.Check(err)
	checkEnd(ts, stageOf(ts).processes[args[0]], args[1], limit)
}

func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) == 1, "await FILE")
	ts.Check(await(startLimit, func() bool {
		_, err := os.Lstat(ts.MkAbs(args[0]))
		return err == nil
	}))
}

func writeConfig(ts *testscript.TestScript, neg bool, args []string) {
	wants(ts, neg, len(args) > 1, "conf FILE PEER[#KEY]...")
	var text strings.Builder
	for _, peer := range args[1:] {
		addr, key, pinned := strings.Cut(peer, "#")
		fmt.Fprintf(&text, "[[peer]]\naddr = %q\n", addr)
		if pinned {
			fmt.Fprintf(&text, "key = %q\n", key)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text.String()), 0o644))
}

func makePattern(ts *testscript.TestScript, neg bool, args []string) {
	path, size := pathAndSize(ts, neg, args, "pattern FILE SIZE")
	ts.Check(writePattern(path, size))
}

func holdsPattern(ts *testscript.TestScript, neg bool, args []string) {
	path, size := pathAndSize(ts, neg, args, "holds FILE SIZE")
	ts.Check(comparePattern(path, size))
}

func pathAndSize(ts *testscript.TestScript, neg bool, args []string, usage string) (string, int64) {
	wants(ts, neg, len(args) == 2, usage)
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	return ts.MkAbs(args[0]), size
}
