package main

import (
	"context"
	"io"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logfmt is a zapcore.Core that writes logfmt lines through slog.TextHandler:
// zap has no encoder for it.
type logfmt struct {
	zapcore.LevelEnabler
	handler slog.Handler
}

func newLogfmt(w io.Writer, level zapcore.Level) zapcore.Core {
	// The level is checked by zap; the handler lets everything through.
	h := slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: logfmtNames})
	return &logfmt{LevelEnabler: level, handler: h}
}

// logfmtNames names the fixed fields as Prometheus does.
func logfmtNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "ts"
	case slog.LevelKey:
		if l, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(map[slog.Level]string{slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warn", slog.LevelError: "error"}[l])
		}
	}
	return a
}

func (l *logfmt) With(fields []zapcore.Field) zapcore.Core {
	return &logfmt{LevelEnabler: l.LevelEnabler, handler: l.handler.WithAttrs(attrs(fields))}
}

func (l *logfmt) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if l.Enabled(e.Level) {
		return c.AddCore(e, l)
	}
	return c
}

func (l *logfmt) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelError
	switch e.Level {
	case zap.DebugLevel:
		level = slog.LevelDebug
	case zap.InfoLevel:
		level = slog.LevelInfo
	case zap.WarnLevel:
		level = slog.LevelWarn
	}
	r := slog.NewRecord(e.Time.UTC(), level, e.Message, 0)
	r.AddAttrs(attrs(fields)...)
	return l.handler.Handle(context.Background(), r)
}

func (l *logfmt) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	all := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		m := zapcore.NewMapObjectEncoder()
		f.AddTo(m)
		for key, value := range m.Fields { // one, or an error with its details
			all = append(all, slog.Any(key, value))
		}
	}
	return all
}
