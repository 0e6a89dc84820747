package main

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "chunkcp"

// mayImport is the direction in which imports point. A package's name ends in
// /... if it is meant with all below it.
func mayImport() map[string][]string {
	return map[string][]string{
		".":                   {"config", "peer", "internal/..."},
		"config":              {"peer", "internal/secure"},
		"peer":                {"arq", "proto", "internal/..."},
		"arq":                 {"proto", "internal/rangeset"},
		"proto":               {"internal/rangeset"},
		"internal/assign":     {"proto", "internal/rangeset"},
		"internal/netsim":     {"internal/udp"},
		"internal/argv":       nil,
		"internal/diskmodel":  {"internal/partfile"},
		"internal/partfile":   nil,
		"internal/rangeset":   nil,
		"internal/secure":     {"internal/atomicfile"},
		"internal/atomicfile": nil,
		"internal/ratebook":   {"internal/atomicfile"},
		"internal/tree":       nil,
		"internal/treecache":  {"internal/tree"},
		"internal/udp":        nil,
		"internal/ui":         nil,
		"e2e/...":             {"..."}, // the tests of it all
	}
}

// onlyFor says who may import a library, where not everybody may.
func onlyFor() map[string][]string {
	return map[string][]string{
		"go.uber.org/zap/...":          {".", "peer", "e2e/..."},
		"github.com/urfave/cli/v2/...": {".", "e2e/..."},
	}
}

// sansIO names the packages and files that are told the time and call nobody.
func sansIO() []string {
	return []string{"proto", "arq", "internal/rangeset", "internal/assign", "peer/agreement.go", "peer/manifest.go"}
}

// The longest that a file may be, in lines: longer ones hold two things.
const (
	maxLines     = 400
	maxTestLines = 600
)

// source is a Go file of this module.
type source struct {
	path string // with slashes, from the root of the module
	dir  string
	text []byte
	file *ast.File
	set  *token.FileSet
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) position(n ast.Node) string { return s.set.Position(n.Pos()).String() }

// imports returns the paths that the file imports, by the name that they have
// in it.
func (s source) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic("BUG: the parser took " + spec.Path.Value)
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return names
}

// sources parses all Go files of the module.
func sources(t *testing.T) (list []source) {
	t.Helper()
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(root, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		list = append(list, source{name, path.Dir(name), text, file, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// isModule reports whether a directory is another module than this one.
func isModule(root fs.FS, dir string) bool {
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

// matches reports whether dir is one of the packages listed.
func matches(dir string, list []string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		parent, below := strings.CutSuffix(pattern, "...")
		if !below {
			return dir == pattern
		}
		return strings.HasPrefix(dir+"/", parent)
	})
}

func TestImportsPointDown(t *testing.T) {
	table := mayImport()
	seen := map[string]bool{}
	for _, s := range sources(t) {
		rule := s.dir
		if matches(s.dir, []string{"e2e/..."}) {
			rule = "e2e/..."
		}
		allowed, ok := table[rule]
		if !ok {
			t.Errorf("%s: package %s is not in the table of who may import what", s.path, s.dir)
			continue
		}
		seen[s.dir] = true
		if s.isTest() {
			continue // tests may use the whole module
		}
		for _, imported := range s.imports() {
			if imported == module {
				t.Errorf("%s imports the program", s.path)
			}
			dir, ours := strings.CutPrefix(imported, module+"/")
			if ours && !matches(dir, allowed) {
				t.Errorf("%s imports %s: %s may import %v", s.path, dir, rule, allowed)
			}
			for library, users := range onlyFor() {
				if matches(imported, []string{library}) && !matches(s.dir, users) {
					t.Errorf("%s imports %s: only %v may", s.path, imported, users)
				}
			}
		}
	}
	for _, dir := range []string{".", "peer", "arq", "proto"} {
		if !seen[dir] {
			t.Errorf("no file of package %s was found: is this the root of the module?", dir)
		}
	}
}

// What names the clock. Durations and times that are told are fine.
func clock() []string {
	return []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
}

// impure are the packages by which code reaches out of itself.
func impure() []string {
	return []string{
		"context", "log/...", "math/rand", "net", "net/http/...", "os/...", "runtime/...", "sync/...", "syscall",
		"go.uber.org/zap/...", "golang.org/x/net/...", "golang.org/x/sys/...",
	}
}

func TestSansIO(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		rule := s.dir
		if slices.Contains(sansIO(), s.path) {
			rule = s.path
		}
		if !slices.Contains(sansIO(), rule) || s.isTest() {
			continue
		}
		seen[rule] = true
		for _, imported := range s.imports() {
			if matches(imported, impure()) {
				t.Errorf("%s imports %s", s.path, imported)
			}
		}
		checkPure(t, s)
	}
	if len(seen) != len(sansIO()) {
		t.Errorf("files were found of %v only, not of all of %v", slices.Sorted(maps.Keys(seen)), sansIO())
	}
}

// checkPure reports what of a file depends on the clock or on the scheduler.
func checkPure(t *testing.T, s source) {
	t.Helper()
	names := s.imports()
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: starts a goroutine", s.position(n))
		case *ast.ChanType:
			t.Errorf("%s: names a channel", s.position(n))
		case *ast.SelectStmt:
			t.Errorf("%s: selects among channels", s.position(n))
		case *ast.SelectorExpr:
			if is(n, names, "time", clock()...) {
				t.Errorf("%s: names time.%s: have it as an argument", s.position(n), n.Sel.Name)
			}
		}
		return true
	})
}

// is reports whether n is one of the names of the package imported.
func is(n *ast.SelectorExpr, names map[string]string, imported string, selected ...string) bool {
	x, ok := n.X.(*ast.Ident)
	return ok && names[x.Name] == imported && slices.Contains(selected, n.Sel.Name)
}

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		limit := maxLines
		if s.isTest() {
			limit = maxTestLines
		}
		if lines := bytes.Count(s.text, []byte("\n")); lines > limit && !ast.IsGenerated(s.file) {
			t.Errorf("%s has %d lines, more than %d: look for the second noun", s.path, lines, limit)
		}
	}
}

// A test that sleeps is slow, or fails on a slow machine. In a bubble of
// testing/synctest the clock is not the machine's, so packages whose tests use
// bubbles may.
func TestTestsDoNotSleep(t *testing.T) {
	all := sources(t)
	bubbles := map[string]bool{}
	for _, s := range all {
		if s.isTest() && s.imports()["synctest"] == "testing/synctest" {
			bubbles[s.dir] = true
		}
	}
	for _, s := range all {
		if !s.isTest() || bubbles[s.dir] {
			continue
		}
		names := s.imports()
		ast.Inspect(s.file, func(n ast.Node) bool {
			if n, ok := n.(*ast.SelectorExpr); ok && is(n, names, "time", "Sleep") {
				t.Errorf("%s: time.Sleep outside a bubble: wait for what is to happen", s.position(n))
			}
			return true
		})
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil
	}
	for _, dir := range slices.Sorted(maps.Keys(documented)) {
		if !documented[dir] {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

// What is to be done belongs where it can be found and closed.
func TestNoLeftovers(t *testing.T) {
	markers := []string{"TO" + "DO", "FIX" + "ME"}
	for _, s := range sources(t) {
		lines := bufio.NewScanner(bytes.NewReader(s.text))
		for n := 1; lines.Scan(); n++ {
			for _, marker := range markers {
				if strings.Contains(lines.Text(), marker) {
					t.Errorf("%s:%d: %s", s.path, n, marker)
				}
			}
		}
	}
}
