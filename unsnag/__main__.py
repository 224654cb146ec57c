"""Lets ``python -m unsnag`` be the same as ``unsnag``."""

from __future__ import annotations

import sys

from unsnag.cli import main

if __name__ == "__main__":
    sys.exit(main())
