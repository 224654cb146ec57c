"""Lets a PostgreSQL server log the story, through psql. Arguments: its socket's folder, and the file of the truth."""

import subprocess
import sys

from telling import Truth, events

LEVELS = {
    "debug": "notice",
    "info": "notice",
    "warning": "warning",
    "error": "exception",
    "critical": "exception",
}
SHOWN = {"notice": "info", "warning": "warning", "exception": "error"}
OWN = (
    ("select 1 / 0;", "division by zero"),
    ("insert into stock values ('a');", 'duplicate key value violates unique constraint "stock_pkey"'),
    ("select *\nfrom basket;", 'relation "basket" does not exist'),
)
psql = subprocess.Popen(
    ["psql", "-q", "-h", sys.argv[1], "-U", "postgres", "-d", "postgres"],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
)


def run(statement: str) -> None:
    """Run a statement to its end."""
    print(f"{statement}\n\\echo done", file=psql.stdin, flush=True)
    psql.stdout.readline()


run("create table stock (article text primary key); insert into stock values ('a');")
truth = Truth(sys.argv[2])
for event in events():
    level = LEVELS[event.severity]
    statement, message = OWN[event.n % len(OWN)] if event.failure else ("", event.message)
    no = dict.fromkeys(("id", "type", "failure", "trace"), "-")
    truth.note(event, severity=SHOWN[level], message=message, logger="client backend", **no)
    run(statement or f"do $x$ begin raise {level} using message = $m${message}$m$; end $x$;")
psql.stdin.close()
psql.wait()
