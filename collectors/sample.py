"""What the page Connect shows of a kind of source: the lines of the config file that make a first one."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """A first section of the config file, in which NAME stands for the name of the source."""

    label: str
    icon: str
    meaning: str
    """What it reads, in a sentence."""
    name: str
    """An example of a name."""
    lines: str
