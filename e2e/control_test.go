package e2e

import (
	"chunkcp/arq"
	"chunkcp/proto"
)

// readControl takes a segment of the control stream, and hands on the messages that
// have come whole by it.
func readControl(control *arq.ControlReader, seg *proto.Segment, take func(proto.Message) error) error {
	if err := control.Add(seg.Offset, seg.Payload); err != nil {
		return err
	}
	for {
		m, rest, err := proto.NextMessage(control.Bytes())
		if err != nil {
			return err
		}
		control.Consume(rest)
		if m == nil {
			return nil
		}
		if err := take(m); err != nil {
			return err
		}
	}
}
