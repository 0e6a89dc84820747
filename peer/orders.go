package peer

import (
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// orders is what a fetch has told a session to do. It is guarded by Fetch.mu.
type orders struct {
	reset   bool             // the file has another size: all that was asked for is void
	revoked []rangeset.Range // another session fetches these
	tree    bool             // ask for the hashes of the pieces
	prove   bool             // ask for what shows the size of its file
	pace    *proto.Pace      // tell the server; nil: nothing new
}

// drops reports whether the session is to drop something that it fetches.
func (o *orders) drops() bool { return o.reset || len(o.revoked) > 0 }

// order gives a session an order. The fetch's lock is held.
func (c *clientSession) order(change func(*orders)) {
	change(&c.told)
	c.ordered.Store(true)
	c.wake()
}

// obey does what the session was told to.
func (c *clientSession) obey() error {
	if !c.ordered.Swap(false) {
		return nil
	}
	c.fetch.mu.Lock()
	o := c.told
	c.told = orders{}
	c.fetch.mu.Unlock()
	if o.reset {
		if err := c.reset(); err != nil {
			return err
		}
	}
	for _, r := range o.revoked {
		if err := c.dropRange(r); err != nil {
			return err
		}
	}
	if o.pace != nil {
		if err := c.tell(o.pace); err != nil {
			return err
		}
	}
	if o.tree {
		if err := c.askTree(); err != nil {
			return err
		}
	}
	if o.prove {
		return c.prove()
	}
	return nil
}

// reset drops all requests, and takes part in the file that is wanted now.
func (c *clientSession) reset() error {
	for id, g := range c.gets {
		if err := c.cancel(id, g); err != nil {
			return err
		}
	}
	c.fetch.enter(c)
	return nil
}

// dropRange stops fetching the bytes r.
func (c *clientSession) dropRange(r rangeset.Range) error {
	for id, g := range c.gets {
		gone := g.data.Intersect(r)
		if gone.Empty() || c.splits(g, gone) {
			continue
		}
		c.drop(g, gone)
		if len(g.open.Ranges()) == 0 {
			delete(c.gets, id)
		}
		if err := c.tell(&proto.Drop{ID: id, Range: gone}); err != nil {
			return err
		}
	}
	return nil
}

// askTree asks for the hashes that are not known.
func (c *clientSession) askTree() error {
	c.fetch.mu.Lock()
	if c.fetch.manifest == nil {
		c.fetch.mu.Unlock()
		return nil
	}
	list := &c.fetch.manifest.list
	first, more := list.NextUnknown(0)
	end := list.Len()
	c.fetch.mu.Unlock()
	if !more {
		return nil
	}
	return c.tell(&proto.Tree{File: clientFile, Pieces: rangeset.Range{Start: first, End: end}})
}
