package main

// packet is one IP packet on its way, in a buffer that is used again.
type packet struct {
	data  []byte   // the packet's bytes, at the start of store
	store []byte   // of the longest packet's length
	dest  *station // where it goes
	down  bool     // on the receiver's link already
}

// packetPool hands out packets and takes them back. It holds as many as were
// ever under way at once.
type packetPool struct {
	size int // bytes of a store
	free []*packet
}

// get returns a packet whose data is the whole store.
func (pool *packetPool) get() *packet {
	if len(pool.free) == 0 {
		store := make([]byte, pool.size)
		return &packet{data: store, store: store}
	}
	p := pool.free[len(pool.free)-1]
	pool.free = pool.free[:len(pool.free)-1]
	*p = packet{data: p.store, store: p.store}
	return p
}

func (pool *packetPool) put(p *packet) { pool.free = append(pool.free, p) }

// clone returns a copy of p with a buffer of its own.
func (pool *packetPool) clone(p *packet) *packet {
	c := pool.get()
	c.data = c.store[:copy(c.store, p.data)]
	c.dest, c.down = p.dest, p.down
	return c
}
