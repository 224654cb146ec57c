#!/bin/sh
# Export yesterday's invoices as CSV for the accountants. The target folder has a quota of five files.
set -eu

var="${EXAMPLES_VAR:-examples/var}"
target="$var/export"
day="${1:-$(python3 -c "
import os, datetime as d
offset = float(os.environ.get('UNSNAG_CLOCK_OFFSET_S', '0'))
print((d.datetime.now(d.UTC) + d.timedelta(seconds=offset, days=-1)).date())")}"

mkdir -p "$target"
if [ "$(find "$target" -name '*.csv' | wc -l)" -ge 5 ]; then
    echo "cannot write to $target: disk quota of 5 files is used up" >&2
    exit 73  # EX_CANTCREAT of sysexits.h
fi

python3 - "$var/invoices.db" "$day" > "$target/invoices-$day-$$.csv" <<'PYTHON'
import csv, sqlite3, sys

database, day = sys.argv[1:]
rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute(
    "select order_number, customer, tenant, cents / 100.0, currency from invoices"
    " where date(issued_at, 'unixepoch') = ? order by id",
    [day],
)
writer = csv.writer(sys.stdout)
writer.writerow(["order", "customer", "tenant", "total", "currency"])
writer.writerows(rows)
PYTHON
echo "exported $(($(wc -l < "$target/invoices-$day-$$.csv") - 1)) invoices of $day"
