#!/bin/bash
# Records what the programs of this folder write, into ../recorded: NAME.log and NAME.truth.tsv.
#
# Needs Debian's default-jdk-headless, liblog4j2-java, liblogback-java, php-cli, php-monolog, ruby-activesupport,
# golang-go, golang-github-sirupsen-logrus-dev, golang-k8s-klog-dev, golang-glog-dev, apache2, rsyslog, conmon, postgresql; PYTHON with
# structlog, eliot, celery, apache-airflow-task-sdk, awslambdaric; NODE_PATH with roarr, pino, bunyan, winston
# and serialize-error-cjs; GO, a Go of 1.21 or newer. Run it with the names to record, or with none for all.
set -eu
: "${PYTHON:=python3}" "${GO:=go}"
export TZ=Europe/Berlin LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../recorded
run=/opt/shop
rm -rf $run && mkdir -p $run && cp -r "$here"/* $run && cd $run
site=$($PYTHON -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
base=$($PYTHON -c 'import sys; print(sys.base_prefix)')

take() { # NAME COMMAND...: stdout and stderr are the log, its last argument names the truth
  local name=$1; shift
  "$@" > raw.log 2>&1 || true
  sed -e "s#$site#/opt/venv/lib/python3/site-packages#g; s#$base#/usr#g" raw.log > "$out/$name.log"
  mv truth.tsv "$out/$name.truth.tsv"
}

jars=/usr/share/java
log4j=.:$jars/log4j-api.jar:$jars/log4j-core.jar:$jars/jackson-core.jar
logback=.:$jars/logback-classic.jar:$jars/logback-core.jar:$jars/slf4j-api.jar
java_with() { # CLASSPATH CONFIGURATION CLASS [ID]
  java -Dfile.encoding=UTF-8 -cp "$1" "$2" Shop story.tsv truth.tsv "$3" ${4:-}
}

with_conmon() { # what conmon, which CRI-O and Podman use, writes of a container
  echo "exec $PYTHON cri_shop.py truth.tsv" > shop.sh
  conmon --api-version 1 -c shop -u shop -r $run/conmon_runtime.sh -b $run -p $run/pid -l k8s-file:$run/cri.log --full-attach
  sleep 5
  cat cri.log
}

with_rsyslog() { # WAY FILE
  mkdir -p rsys && rm -f rsys/*
  rsyslogd -f $run/rsyslog.conf -i $run/rsys/pid -n &
  sleep 1
  $PYTHON syslog_shop.py $1 $run/rsys/log truth.tsv
  sleep 1
  kill %1
  grep -v 'origin software="rsyslogd"' rsys/$2.log
}

with_journald() { # FORM
  mkdir -p /run/systemd/journal /run/log/journal
  /usr/lib/systemd/systemd-journald > /dev/null 2>&1 &
  sleep 1
  $PYTHON syslog_shop.py journal - truth.tsv
  sleep 1
  journalctl --sync > /dev/null 2>&1 || true
  kill %1
  journalctl -D /run/log/journal -o $1 SYSLOG_IDENTIFIER=shop | tail -n 100000
}

record() {
  case $1 in
    structlog-console) take $1 $PYTHON structlog_console.py plain truth.tsv ;;
    structlog-colours) take $1 $PYTHON structlog_console.py colours truth.tsv ;;
    structlog-rich) take $1 $PYTHON structlog_console.py rich truth.tsv ;;
    celery) take $1 $PYTHON celery_worker.py truth.tsv ;;
    eliot) take $1 $PYTHON eliot_log.py truth.tsv ;;
    lambda-python) take $1 $PYTHON lambda_python.py text truth.tsv ;;
    cloudwatch) take $1 $PYTHON lambda_python.py cloudwatch truth.tsv ;;
    cri) take $1 with_conmon ;;
    apache) take $1 $PYTHON apache_shop.py truth.tsv ;;
    syslog-3164) take $1 with_rsyslog classic classic ;;
    syslog-5424) take $1 with_rsyslog new new ;;
    syslog-file) take $1 with_rsyslog classic file
      sed -i -E 's/^([0-9]+)\t[a-z]+/\1\t-/' "$out/$1.truth.tsv" ;; # this form has no severity
    journald-json) take $1 with_journald json ;;
    journald-export) take $1 with_journald export ;;
    airflow) take $1 $PYTHON airflow_task.py truth.tsv ;;
    roarr | pino | bunyan | winston) take $1 node node_loggers.js $1 truth.tsv ;;
    slog) (cd gologs && printf 'module shop\n\ngo 1.21\n' > go.mod && $GO build -tags slog -o ../gologs-slog .)
      take $1 ./gologs-slog slog story.tsv truth.tsv ;;
    logrus | klog | glog) rm -f gologs/go.mod
      (cd gologs && GO111MODULE=off GOPATH=/usr/share/gocode /usr/bin/go build -o ../gologs-packaged .)
      take $1 ./gologs-packaged $1 story.tsv truth.tsv ;;
    log4j-* | gelf) javac -cp $log4j:$logback Shop.java Log4jLog.java LogbackLog.java
      take $1 java_with $log4j -Dlog4j2.configurationFile=log4j2-${1#log4j-}.xml Log4jLog $([ $1 = log4j-level-first ] || echo id) ;;
    logback-*) javac -cp $log4j:$logback Shop.java Log4jLog.java LogbackLog.java
      take $1 java_with $logback -Dlogback.configurationFile=$1.xml LogbackLog ;;
    csv) take $1 $PYTHON csv_log.py , truth.tsv ;;
    csv-semicolons) take $1 $PYTHON csv_log.py ';' truth.tsv ;;
    csv-postgresql) take $1 ./postgres_shop.sh truth.tsv ;;
    monolog) take $1 php monolog.php truth.tsv ;;
    monolog-traces) take $1 php monolog.php truth.tsv trace ;;
    ruby) take $1 ruby logger.rb plain truth.tsv ;;
    rails) take $1 ruby logger.rb tagged truth.tsv ;;
  esac
  echo "$1: $(wc -l < "$out/$1.log") lines, $(wc -l < "$out/$1.truth.tsv") events"
}

all="structlog-console structlog-colours structlog-rich celery eliot lambda-python airflow roarr slog logrus klog
glog log4j-pattern log4j-level-first gelf logback-basic logback-spring monolog monolog-traces ruby rails cloudwatch cri apache syslog-3164 syslog-5424 syslog-file
journald-json journald-export pino bunyan winston csv csv-semicolons csv-postgresql"
mkdir -p "$out"
for name in ${*:-$all}; do record $name; done
