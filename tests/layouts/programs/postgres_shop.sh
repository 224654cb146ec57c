#!/bin/bash
# Prints the csvlog of a PostgreSQL server that is made for it. Argument: the file of the truth.
set -eu
data=$(mktemp -d) bin=$(echo /usr/lib/postgresql/*/bin)
chown postgres "$data"
as() { runuser -u postgres -- "$@"; }
as "$bin/initdb" -D "$data/db" -A trust > /dev/null
cat >> "$data/db/postgresql.conf" << CONF
logging_collector = on
log_destination = 'csvlog'
log_filename = 'shop.log'
log_min_messages = notice
log_timezone = 'Europe/Berlin'
listen_addresses = ''
unix_socket_directories = '$data'
CONF
as "$bin/pg_ctl" -D "$data/db" -w start > /dev/null
${PYTHON:-python3} "$(dirname "$0")/postgres_story.py" "$data" "$1"
as "$bin/pg_ctl" -D "$data/db" -w stop > /dev/null
cat "$data/db/log/shop.csv"
rm -r "$data"
