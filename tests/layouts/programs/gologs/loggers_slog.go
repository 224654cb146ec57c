//go:build slog

package main

import (
	"log/slog"
	"os"
)

var loggers = map[string]func() func(row){"slog": slogText}

func slogText() func(row) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "error": slog.LevelError,
		"critical": slog.LevelError,
	}
	return func(r row) {
		given := []any{"logger", r.logger, "correlation_id", r.order}
		severity, failure := r.severity, "-"
		if severity == "critical" {
			severity = "error"
		}
		if r.failure != "-" {
			given = append(given, "err", r.err())
			failure = r.err().Error()
		}
		note(r, severity, r.logger, r.order, failure)
		log.Log(nil, levels[r.severity], r.message, given...)
	}
}
