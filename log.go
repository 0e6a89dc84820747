package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"chunkcp/internal/ui"
)

// A server's log grows at strangers' bidding: of the lines of a kind it has the
// first logLines in a second, and then one of each logLines (arbitrary).
const (
	logTick  = time.Second
	logLines = 100
)

// newLog returns a logger to w: for people on a terminal, JSON otherwise.
func newLog(w io.Writer, terminal bool, level zapcore.Level) *zap.Logger {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(c)
	if terminal {
		c.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoder = zapcore.NewConsoleEncoder(c)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(ui.LogWriter(w, !terminal)), level))
}

// bounded returns log with as many lines as it may have.
func bounded(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, logTick, logLines, logLines)
	}))
}

// serveLog returns the server's logger. A level is debug, info, warn or error.
func serveLog(level string) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", level)}
	}
	return bounded(newLog(os.Stderr, ui.IsTerminal(os.Stderr), l)), nil
}
