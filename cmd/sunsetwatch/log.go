package main

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logFlags say what is logged, and how.
type logFlags struct {
	level, format string
}

func (l *logFlags) add(f *pflag.FlagSet) {
	f.StringVar(&l.level, "log.level", "info", "`LEVEL` of what is logged on standard error: debug, info, warn or error")
	f.StringVar(&l.format, "log.format", "logfmt", "`FORMAT` of the log: logfmt, json or console")
}

// logger writes to w.
func (l *logFlags) logger(w io.Writer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(l.level)
	if err != nil {
		return nil, fmt.Errorf("--log.level: %q is none of debug, info, warn, error", l.level)
	}
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.ISO8601TimeEncoder
	c.EncodeDuration = zapcore.StringDurationEncoder
	out := zapcore.Lock(zapcore.AddSync(w))
	switch l.format {
	case "json":
		return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(c), out, level)), nil
	case "console":
		return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(c), out, level)), nil
	case "logfmt":
		return zap.New(newLogfmt(out, level)), nil
	default:
		return nil, fmt.Errorf("--log.format: %q is none of logfmt, json, console", l.format)
	}
}
