package peer

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// sayInterval is how often one and the same trouble is logged: whoever causes
// it must not fill the log as well (arbitrary).
const sayInterval = 10 * time.Second

// occasionally limits how often something is said.
type occasionally struct {
	mu   sync.Mutex
	next time.Time
}

// now reports whether it is time to say it again.
func (o *occasionally) now() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := time.Now()
	if t.Before(o.next) {
		return false
	}
	o.next = t.Add(sayInterval)
	return true
}

// crashes keeps a panic from ending more than what it happened in. A datagram
// that meets a mistake of this program costs its session, never all of them.
type crashes struct {
	log   *zap.Logger
	count atomic.Uint64
	said  occasionally
}

// contain runs do and reports whether it panicked, which is counted and logged.
func (c *crashes) contain(what string, do func()) (panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			panicked = true
			_ = c.note(what, r)
		}
	}()
	do()
	return false
}

// note counts a panic with the value r, and logs it with the stack that led to
// it. Call it from the function that recovered.
func (c *crashes) note(what string, r any) error {
	n := c.count.Add(1)
	err := fmt.Errorf("internal error in %s: %v", what, r)
	if c.said.now() {
		c.log.Error("panic", zap.Error(err), zap.Uint64("panics", n), zap.ByteString("stack", debug.Stack()))
	}
	return err
}

// contain runs what a fetch does beside its sessions. A panic in it ends the fetch,
// with an error: what it was about may be half done.
func (f *Fetch) contain(what string, do func()) {
	defer func() {
		if r := recover(); r != nil {
			f.end(f.crashes.note(what, r))
		}
	}()
	do()
}

// hashFile completes the tree of a file; a panic ends that and no more.
func (h *hashing) hashFile(ctx context.Context, t *hashedFile, buf []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = h.crashes.note("hashing", r)
		}
	}()
	return h.hash(ctx, t, buf)
}

// runSession opens a session with p and keeps it until it ends. The error says
// why it did; it is nil when ctx is done.
func (f *Fetch) runSession(ctx context.Context, p *peerState) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = f.crashes.note("a session with "+p.Addr, r)
		}
	}()
	return f.holdSession(ctx, p)
}
