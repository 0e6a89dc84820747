package ui

import (
	"bytes"
	"io"
)

// LogWriter returns a writer for the lines of a log, one in each Write, in which
// strangers have a say: what could disturb a terminal that shows them, now or
// from a file, is escaped. Encoders leave some of it: zap's console encoder all
// that is not in a field, its JSON encoder what is not ASCII.
func LogWriter(w io.Writer, asJSON bool) io.Writer { return &logWriter{w, asJSON} }

type logWriter struct {
	w      io.Writer
	asJSON bool
}

func (l *logWriter) Write(line []byte) (int, error) {
	if _, err := l.w.Write(l.escape(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (l *logWriter) escape(line []byte) []byte {
	if l.asJSON {
		return escapeJSON(line)
	}
	var b bytes.Buffer
	text := bytes.TrimSuffix(line, []byte("\n"))
	for i, column := range bytes.Split(text, []byte("\t")) {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(Escape(string(column)))
	}
	if len(text) < len(line) {
		b.WriteByte('\n')
	}
	return b.Bytes()
}
