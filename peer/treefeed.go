package peer

import (
	"errors"

	"chunkcp/arq"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

// treeFeed tells a client the hashes of a file that it asked for.
type treeFeed struct {
	file   proto.ID
	served *servedFile
	tree   *hashedFile
	next   int64 // the piece whose hash is told next
	end    int64
	rooted bool // the root has been told
	failed bool
}

// askedTree begins to tell the hashes of a file; another request for the same
// file takes the first one's place.
func (c *serverSession) askedTree(m *proto.Tree) error {
	f := c.files[m.File]
	if f == nil { // its Open failed, and the client has been told
		return nil
	}
	feed := c.feeds[m.File]
	if feed == nil {
		feed = &treeFeed{file: m.File, served: f, tree: f.tree}
		c.feeds[m.File] = feed
	}
	feed.next, feed.end = m.Pieces.Start, min(m.Pieces.End, tree.Pieces(f.stamp.Size))
	c.server.hashing.watch(c.server.ctx, f.tree, c, f, min(feed.next, feed.end))
	return nil
}

// feed tells what has come to be known and finds room on the control stream.
func (c *serverSession) feed() error {
	for _, f := range c.feeds {
		if err := c.feedTree(f); err != nil {
			return err
		}
	}
	return nil
}

// feedRoom returns how many hashes may be told now. They leave a quarter of what the
// control stream may hold to answers, and wait until half of it is free or a whole
// message fits.
func (c *serverSession) feedRoom() int {
	room := c.sender.ControlRoom()
	all := room + c.sender.ControlWaiting()
	if room -= all / 4; room < min(proto.MaxMessage, all/2) {
		return 0
	}
	return min(proto.MaxHashes, room/32-1)
}

func (c *serverSession) feedTree(f *treeFeed) error {
	if err := c.server.hashing.failed(f.tree); err != nil && !f.failed {
		f.failed = true
		code := proto.FailIO
		if isChange(err) {
			code = proto.FailChanged
		}
		return c.fail(f.file, code, "")
	}
	for f.next < f.end {
		hashes := c.server.hashing.told(f.tree, f.next, int(min(int64(c.feedRoom()), f.end-f.next)))
		if len(hashes) == 0 {
			break
		}
		err := c.tell(&proto.Hashes{File: f.file, First: f.next, Hashes: hashes})
		if errors.Is(err, arq.ErrNoMemory) { // others have taken it meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		f.next += int64(len(hashes))
	}
	if f.rooted || c.feedRoom() == 0 {
		return nil
	}
	root, known := c.server.hashing.rootOf(f.tree)
	if !known {
		c.server.hashing.retry(c.server.ctx, f.tree, c, f.served)
		return nil
	}
	f.rooted = true
	return c.tell(&proto.Root{File: f.file, Root: root})
}
