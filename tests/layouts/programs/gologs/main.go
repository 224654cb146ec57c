// Go's loggers. Arguments: slog, logrus, klog or glog, the story, and the file of the truth; the log goes to stderr.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

type row struct{ severity, logger, order, message, failure, cause string }

var truth *os.File

func note(r row, severity, logger, id, failure string) {
	fmt.Fprintf(truth, "%d\t%s\t%s\t%s\t%s\t-\t%s\t-\n", time.Now().UnixMicro(), severity, r.message, logger, id, failure)
}

func (r row) err() error {
	if r.cause != "-" {
		return fmt.Errorf("%s: %w", r.failure, errors.New(r.cause))
	}
	return errors.New(r.failure)
}

func main() {
	which, story, out := os.Args[1], os.Args[2], os.Args[3]
	flag.CommandLine.Parse([]string{})
	truth, _ = os.Create(out)
	file, _ := os.Open(story)
	log := loggers[which]()
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		cells := strings.Split(scanner.Text(), "\t")
		log(row{cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]})
	}
}
