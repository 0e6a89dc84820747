package treecache

import "encoding/binary"

// Key is what a file is known by. A file of which one of these has changed is
// another file.
type Key struct {
	Device, Inode uint64
	Size          int64 // bytes
	Modified      int64 // nanoseconds since 1970
	Changed       int64 // likewise, as the system counts it: nobody can set it back; 0 where there is none
}

// keyBytes is the length of a key in the database.
const keyBytes = 5 * 8

func (k Key) bytes() []byte {
	b := make([]byte, 0, keyBytes)
	b = binary.BigEndian.AppendUint64(b, k.Device)
	b = binary.BigEndian.AppendUint64(b, k.Inode)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Modified))
	return binary.BigEndian.AppendUint64(b, uint64(k.Changed))
}
