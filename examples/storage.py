"""Where the example programs keep their own data: SQLite files in one folder."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from pathlib import Path

_connections = threading.local()


def folder(*parts: str) -> Path:
    """Return a folder below ``EXAMPLES_VAR`` (``examples/var``), made when it is missing."""
    path = Path(_root(), *parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def collected() -> dict[str, str]:
    """Return the server's setting that follows the programs' log files where they are now, as a variable."""
    source = {"name": "shipping", "paths": [f"{folder('logs')}/shipping*.log"], "mapping": "shipping"}
    return {"UNSNAG_COLLECTORS__JSONL": json.dumps([source])}


def database(name: str, schema: str) -> sqlite3.Connection:
    """Return this thread's connection to a database; every statement commits by itself."""
    path = f"{_root()}/{name}.db"
    opened: dict[str, sqlite3.Connection] = _connections.__dict__
    if path not in opened:
        opened[path] = connect(path, schema)
    return opened[path]


def connect(path: str, schema: str) -> sqlite3.Connection:
    """Open a database and lay its tables when it is new."""
    folder()
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    connection.row_factory = sqlite3.Row
    connection.executescript("pragma journal_mode = wal; pragma synchronous = normal;" + schema)
    return connection


def _root() -> str:
    return os.environ.get("EXAMPLES_VAR", "examples/var")
