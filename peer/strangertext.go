package peer

import (
	"fmt"

	"go.uber.org/zap"
)

// maxStrangerText bounds what a line of the log repeats of a stranger's text, in
// bytes (arbitrary: most names are shorter). A name may have proto.MaxName of
// them, and its error repeats it.
const maxStrangerText = 256

// strangerText is zap.String for text in which a stranger has a say: what is
// beyond the bound is left out. The log's encoder escapes the rest.
func strangerText(key, text string) zap.Field {
	if over := len(text) - maxStrangerText; over > 0 {
		text = fmt.Sprintf("%s... and %d bytes more", text[:maxStrangerText], over)
	}
	return zap.String(key, text)
}
