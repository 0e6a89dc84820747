package secure

import (
	"fmt"
	"io"
)

// redacted is embedded in what holds secrets: fmt prints none of it, whatever
// the verb. A String method would not do, as %d and %#v go past it.
type redacted struct{}

// Format implements fmt.Formatter.
func (redacted) Format(s fmt.State, _ rune) { io.WriteString(s, "(secret)") }
