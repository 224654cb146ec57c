//go:build !slog

package main

import (
	"flag"

	"github.com/golang/glog"
	"github.com/sirupsen/logrus"
	"k8s.io/klog"
)

var loggers = map[string]func() func(row){"logrus": logrusText, "klog": klogText, "glog": glogText}

func logrusText() func(row) {
	log := logrus.New()
	log.SetLevel(logrus.DebugLevel)
	return func(r row) {
		entry := log.WithFields(logrus.Fields{"logger": r.logger, "correlation_id": r.order})
		severity, failure := r.severity, "-"
		if severity == "critical" {
			severity = "error" // Fatal would end the program
		}
		if r.failure != "-" {
			entry = entry.WithError(r.err())
			failure = r.err().Error()
		}
		note(r, severity, r.logger, r.order, failure)
		switch severity {
		case "debug":
			entry.Debug(r.message)
		case "info":
			entry.Info(r.message)
		case "warning":
			entry.Warn(r.message)
		default:
			entry.Error(r.message)
		}
	}
}

func klogText() func(row) {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	flags.Set("logtostderr", "true")
	return printed(klog.Info, klog.Warning, klog.Error)
}

func glogText() func(row) {
	flag.Set("logtostderr", "true")
	return printed(glog.Info, glog.Warning, glog.Error)
}

func printed(info, warning, failed func(...any)) func(row) {
	return func(r row) {
		switch r.severity {
		case "debug", "info":
			note(r, "info", "-", "-", "-")
			info(r.message)
		case "warning":
			note(r, "warning", "-", "-", "-")
			warning(r.message)
		default:
			note(r, "error", "-", "-", "-")
			failed(r.message)
		}
	}
}

