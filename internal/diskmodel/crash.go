package diskmodel

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// nameChange is one change of the directory: set name, unset gone ("" for none).
type nameChange struct {
	name string
	file *inode
	gone string
}

// change is a write, or a change of size where data is nil.
type change struct {
	off  int64
	data []byte
}

// Crash returns the disk as the next boot finds it: of the unsynced changes
// each is kept or lost, and a kept write may be torn. The old disk stays as it
// was, so that one crash can be tried many times. The new one has no Fault.
func (d *Disk) Crash(rng *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := New()
	survivors := map[*inode]*inode{}
	survive := func(file *inode) *inode {
		if survivors[file] == nil {
			data := slices.Clone(file.durable)
			for _, c := range file.pending {
				if rng.IntN(2) == 0 {
					continue
				}
				if c.data != nil && rng.IntN(4) == 0 {
					c.data = c.data[:rng.IntN(len(c.data)+1)]
				}
				data = c.apply(data)
			}
			survivors[file] = &inode{mode: file.mode, data: data, durable: slices.Clone(data)}
		}
		return survivors[file]
	}
	names := maps.Clone(d.durable)
	for _, r := range d.pending {
		if rng.IntN(2) == 0 {
			r.apply(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file := survive(names[name])
		after.names[name], after.durable[name] = file, file
	}
	return after
}

func (c change) apply(data []byte) []byte {
	if c.data == nil {
		if int64(len(data)) > c.off {
			return data[:c.off]
		}
		return append(data, make([]byte, c.off-int64(len(data)))...)
	}
	if end := c.off + int64(len(c.data)); int64(len(data)) < end {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[c.off:], c.data)
	return data
}

func (r nameChange) apply(names map[string]*inode) {
	if r.name != "" {
		names[r.name] = r.file
	}
	delete(names, r.gone)
}
