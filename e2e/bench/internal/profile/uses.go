package profile

import "regexp"

// Use is what a processor's time was spent on.
type Use string

const (
	Cipher  Use = "ciphers"
	Hash    Use = "hashes"
	Copies  Use = "copies"  // between the kernel and programs
	Pages   Use = "pages"   // to make, find and free them
	Network Use = "network" // the rest of the kernel's sending and receiving
	Files   Use = "files"   // the rest of its reading and writing
	Waits   Use = "waits"   // to wait, wake, switch and be interrupted
	Kernel  Use = "kernel"  // what else it does, as to enter and leave it
	Program Use = "program" // what else the programs do
)

// Uses returns all of them in the order in which they are shown.
func Uses() []Use {
	return []Use{Cipher, Hash, Copies, Pages, Network, Files, Waits, Kernel, Program}
}

// frame is a function on a stack.
type frame struct {
	symbol string
	object string // the program or library in which it lies
}

// kernelObject is what perf calls the kernel's own code; modules have others,
// of which none takes part.
const kernelObject = "[kernel.kallsyms]"

// rule gives samples to a use by a name of theirs.
type rule struct {
	use  Use
	name *regexp.Regexp
}

// How a sample is known when it was taken in a program: by its innermost
// function, or the library in which that lies.
var (
	bySymbol = []rule{
		{Cipher, regexp.MustCompile(`(?i)aes|gcm|ghash|chacha|poly1305`)},
		{Hash, regexp.MustCompile(`(?i)/tree\.compress|blake3|xxh|md5`)},
	}
	byObject = []rule{
		{Cipher, regexp.MustCompile(`/lib(crypto|gnutls|gcrypt|nettle)\.`)},
		{Hash, regexp.MustCompile(`/libxxhash\.`)},
	}
)

// How one is known that was taken in the kernel: by the first of these that names any
// function on its stack, but copies only by the innermost, for what is called
// to copy does more than that.
var (
	copying = regexp.MustCompile(`^_?copy_|^rep_movs|^copyin|^copyout|^(__(pi_)?)?memcpy|^csum_`)
	byStack = []rule{
		{Pages, regexp.MustCompile(`page_fault|^shmem_|alloc_(frozen_)?pages|folio_alloc|free_unref|free_frozen|page_frag|charge|put_(folio|page)s?$|^clear_page|^zap_|munmap`)},
		{Waits, regexp.MustCompile(`wake_up|^ttwu|^(__)?schedule|futex|epoll|^ep_|^do_sys_poll|^do_select|nanosleep|sched_yield`)},
		{Network, regexp.MustCompile(`^(net_rx|napi|udp|tcp|ip|inet|skb|sock)_|^__sys_(send|recv)`)},
		{Files, regexp.MustCompile(`^vfs_|^ksys_|^do_(preadv|pwritev|sendfile|splice)|^filemap_|^generic_`)},
		{Waits, regexp.MustCompile(`sysvec_|^irqentry`)},
	}
)

// use returns where a stack belongs, whose innermost function comes first.
func use(stack []frame) Use {
	leaf := stack[0]
	if leaf.object != kernelObject {
		if u, ok := match(bySymbol, leaf.symbol); ok {
			return u
		}
		if u, ok := match(byObject, leaf.object); ok {
			return u
		}
		return Program
	}
	if copying.MatchString(leaf.symbol) {
		return Copies
	}
	for _, r := range byStack {
		for _, f := range stack {
			if f.object == kernelObject && r.name.MatchString(f.symbol) {
				return r.use
			}
		}
	}
	return Kernel
}

// match returns the use of the first rule for the name.
func match(rules []rule, name string) (Use, bool) {
	for _, r := range rules {
		if r.name.MatchString(name) {
			return r.use, true
		}
	}
	return "", false
}
