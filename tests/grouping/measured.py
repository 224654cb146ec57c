"""How well failures are grouped: grouping accuracy and F1 of pairs, and the failures that are measured.

Grouping accuracy (loghub's measure): the share of messages whose group is exactly the messages of one cause.
F1 of pairs: of all pairs in one group, how many have one cause, and of all pairs with one cause, how many are
in one group; the harmonic mean of the two.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.layouts.programs import story

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

RECORDED: Final = Path(__file__).with_name("recorded.jsonl")
_FILLED: Final = re.compile(r"\{\w\}")
STORY: Final = Path(story.__file__).with_name("story.tsv")


class Sample(NamedTuple):
    """One failure: the cause that a person gave it, and what was logged of it."""

    cause: str
    type: str | None
    message: str
    stack: str | None


def accuracy(causes: Sequence[Hashable], groups: Sequence[Hashable]) -> float:
    """Return the share of messages whose group holds all messages of their cause and no others."""
    of_cause, of_group = _places(causes), _places(groups)
    right = sum(len(places) for places in of_cause.values() if of_group[groups[next(iter(places))]] == places)
    return right / len(causes)


def _places(names: Sequence[Hashable]) -> dict[Hashable, set[int]]:
    places: dict[Hashable, set[int]] = defaultdict(set)
    for place, name in enumerate(names):
        places[name].add(place)
    return places


def f1(causes: Sequence[Hashable], groups: Sequence[Hashable]) -> float:
    """Return the harmonic mean of precision and recall over pairs."""
    together = _pairs(zip(causes, groups, strict=True))
    return 2 * together / (_pairs(causes) + _pairs(groups))


def _pairs(names: Iterable[Hashable]) -> int:
    return sum(comb(count, 2) for count in Counter(names).values())


def recorded(half: str) -> list[Sample]:
    """Return what programs raised; `half` is `looked at` or `held out`."""
    rows = map(json.loads, RECORDED.read_text(encoding="utf-8").splitlines())
    return [
        Sample(row["cause"], row["type"], row["message"], row["stack"]) for row in rows if row["half"] == half
    ]


def logged() -> list[Sample]:
    """Return what the programs of the layouts log, each line with the sentence that it was made of."""
    sentences = [text for texts in story.TEXTS.values() for text in texts]
    lines = [line.split("\t")[4] for line in STORY.read_text(encoding="utf-8").splitlines()]
    return [Sample(_sentence(line, sentences), None, line, None) for line in lines]


def _sentence(line: str, sentences: list[str]) -> str:
    return next(text for text in sentences if all(part in line for part in _FILLED.split(text)))


def public(file: Path) -> list[Sample]:
    """Return the lines of a log set of loghub, each with its true template."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        return [Sample(row["EventId"], None, row["Content"], None) for row in csv.DictReader(lines)]
