"""A first mapping of a source, made of its lines: what looks like the ID, the flow, the step, the level.

A proposal is a guess with its reason: each line of it says how many lines it fits and shows one value.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from collectors import mapping_text
from collectors.fields import LEVEL
from collectors.sections import MappingSettings
from collectors.trial import trial
from collectors.values import level
from unsnag.fields import MAPPED
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from collectors.trial import Trial, TrialRecord

_ID_WORDS: Final = (
    "correlation", "order", "invoice", "claim", "ticket", "booking", "shipment", "payment", "case", "job",
    "request", "parcel", "contract", "application", "reference", "auftrag", "bestell", "commande",
    "number", "nummer", "ref", "key", "id", "no", "nr", "num",
)  # fmt: skip
_NAMED: Final = {
    "flow": ("flow", "workflow", "process", "pipeline", "dag_id", "job_name", "jobname"),
    "step": ("step", "task", "stage", "action", "activity", "phase", "task_id"),
    "run_id": ("run_id", "runid", "run", "execution_id", "batch_id"),
    "value_amount": ("total", "amount", "value", "price", "sum", "betrag"),
    "value_currency": ("currency", "waehrung"),
    **{
        field.name: (field.name, f"{field.name}_id", f"{field.name}_no")
        for field in MAPPED
        if field.is_context
    },
}
_LETTERS: Final = {"E": "error", "ERR": "error", "W": "warning", "I": "info", "D": "debug", "F": "critical"}
_CONTEXT: Final = frozenset(
    name
    for column in ("step", *(field.name for field in MAPPED if field.is_context))
    for name in _NAMED[column]
)
"""Names of what is no ID of a unit, however much its values look like one."""
_FEW: Final = 0.2
"""What fewer lines than this share have is no candidate."""
_LEAST: Final = 1.2
"""What scores less is no candidate: one that every line has, and of which few values are different."""
_MOST: Final = 5
_DIGITS: Final = 3
"""Digits that a number in a text has at least."""
_LETTERS_MOST: Final = 12
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be the correlation ID."""

    rule: str
    """As it stands in the mapping, behind `correlation_id =`."""
    what: str
    """As text."""
    lines: int
    example: str
    """Masked."""
    score: float


@dataclass(frozen=True, slots=True)
class Seen:
    """An attribute of the sample."""

    name: str
    lines: int
    values: int
    """How many different ones."""
    example: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A first mapping."""

    text: str
    candidates: list[Candidate]
    seen: list[Seen]


def propose(source: str, lines: Sequence[bytes], path: str | None = None) -> Proposal:
    """Return a first mapping for the lines of a source."""
    found = trial(lines, path=path)
    values = _values(found.records)
    names_id = sum("correlation_id" in record.fields for record in found.records)
    candidates = sorted(
        [*_attributes(values, len(found.records)), *_texts(found.records)],
        key=lambda one: (-one.score, one.what),
    )[:_MOST]
    return Proposal(
        text="".join(_text(source, found, values, candidates, has_id=names_id > 0)),
        candidates=candidates,
        seen=[
            Seen(name, len(of_name), len(set(of_name)), _short(of_name[0]))
            for name, of_name in sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
    )


def _values(records: Iterable[TrialRecord]) -> dict[str, list[str]]:
    """Return the values of each attribute, also of those in objects, under dotted names."""
    found: dict[str, list[str]] = defaultdict(list)
    for record in records:
        for name, value in _flat("", record.attributes):
            found[name].append(value)
    return found


def _flat(before: str, attributes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if isinstance(value, dict):
            yield from _flat(f"{before}{name}.", value)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
            yield f"{before}{name}", str(value)


# --- candidates for the ID --------------------------------------------------------------------------------


def _attributes(values: dict[str, list[str]], records: int) -> Iterator[Candidate]:
    for name, of_name in values.items():
        share, different = len(of_name) / max(records, 1), len(set(of_name)) / len(of_name)
        fits = sum(_is_id(value) for value in of_name) / len(of_name)
        if share < _FEW or fits < 1 - _FEW or len(set(of_name)) == 1 < len(of_name):
            continue
        is_other = name.rpartition(".")[2].lower() in _CONTEXT
        score = share + different / 2 + 1.5 * _named_as_id(name) - _is_technical(name) - 2 * is_other
        if score > _LEAST:
            rule = mapping_text.value(name)
            yield Candidate(rule, f"the attribute {name}", len(of_name), _short(of_name[0]), score)


def _is_id(value: str) -> bool:
    return len(value) <= _LONGEST and " " not in value and any(map(str.isdigit, value)) and "." not in value


def _named_as_id(name: str) -> float:
    """Return how much a name sounds like that of a business ID, from 0 to 1."""
    words = name.replace("-", "_").replace(".", "_").lower().split("_")
    joined = "".join(words)
    for place, word in enumerate(_ID_WORDS):
        short = len(word) <= len("num")
        if word in words or (not short and word in joined) or (short and joined.endswith(word)):
            return 1 - place / (2 * len(_ID_WORDS))
    return 0


def _is_technical(name: str) -> float:
    """Return 1 for names of what machines count: traces, processes, lines of code."""
    words = ("trace", "span", "thread", "pid", "process", "line", "code", "port", "duration", "elapsed", "ms")
    last = name.lower().replace("-", "_").split(".")[-1].split("_")
    return float(any(word in last for word in words))


def _texts(records: Sequence[TrialRecord]) -> Iterator[Candidate]:
    """Look for numbers in messages: `SO-4711`, `order=4711`, `order 4711`."""
    found: dict[str, list[str]] = defaultdict(list)
    for record in records:
        first = record.message.split("\n", 1)[0][:2_000]
        for pattern, value in dict(_in_text(first)).items():
            found[pattern].append(value)
    for pattern, of_pattern in found.items():
        share, different = len(of_pattern) / len(records), len(set(of_pattern)) / len(of_pattern)
        if share < _FEW or len(set(of_pattern)) == 1 < len(of_pattern):
            continue
        rule = f"{{ from = \"message\", pattern = '{pattern}' }}"
        named = _named_as_id(pattern.split("[")[0].split("(")[0].strip("= :#\\b"))
        score = share + different / 2 + (0.8 if pattern.startswith(r"\b") else 0.4) + named / 2
        yield Candidate(rule, f"a part of the message: {pattern}", len(of_pattern), of_pattern[0], score)


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    before = ""
    for word in text.split():
        bare = word.strip(".,;:!?()[]{}<>\"'`")
        name, is_pair, value = bare.partition("=")
        value = value.strip("\"'")
        if is_pair and name.replace("_", "").replace("-", "").isalnum() and _is_id(value) and value.isascii():
            yield rf'\b{name}="?([\w-]+)', value
        elif (head := _prefix(bare)) is not None:
            yield rf"\b{head}\d+", bare
        elif (
            bare.isdigit()
            and bare.isascii()
            and len(bare) >= _DIGITS
            and before.isalpha()
            and before.isascii()
        ):
            yield rf"\b{before} (\d+)", bare
        before = bare


def _prefix(word: str) -> str | None:
    """Return what stands before the digits of a word that is made like `SO-4711`."""
    digits = len(word) - len(word.rstrip("0123456789"))
    head = word[: len(word) - digits]
    letters = head.rstrip("-_/")
    made = letters.isascii() and letters.isalpha() and len(letters) <= _LETTERS_MOST
    made = made and len(head) - len(letters) <= 1
    enough = digits >= (1 if head != letters else _DIGITS)
    return head if made and enough and (head != letters or letters.isupper()) else None


# --- the text ---------------------------------------------------------------------------------------------


def _text(
    source: str,
    found: Trial,
    values: dict[str, list[str]],
    candidates: Sequence[Candidate],
    *,
    has_id: bool,
) -> Iterator[str]:
    yield f"# Proposed from {len(found.records)} records of {source}: check the result, then save.\n"
    if has_id:
        yield "# The records name their ID themselves already.\n"
    for place, one in enumerate(candidates[:3] if not has_id else []):
        yield f"# {_plain(one.what)}, in {one.lines} of {len(found.records)}, such as {_plain(one.example)}\n"
        yield f"{'' if place == 0 else '# '}correlation_id = {one.rule}\n"
    if not candidates and not has_id:
        yield "# Nothing looks like an ID. Name the attribute that holds it, or a pattern:\n"
        yield "# correlation_id = { from = \"message\", pattern = 'SO-\\d+' }\n"
    named = {column: name for column, known in _NAMED.items() if (name := _of_names(known, values))}
    settings = MappingSettings.model_validate({
        "flow": f"'{source}'" if "'" not in source else [],
        **named,
        "severity": _levels(found),
    })  # fmt: skip
    yield mapping_text.write(settings)
    yield "# What a unit's success looks like; without it nothing recovers by itself:\n"
    yield '# success = { attribute = "message", equals = "order shipped" }\n'


def _plain(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _of_names(known: Sequence[str], values: dict[str, list[str]]) -> str | None:
    for wanted in known:
        for name in values:
            if name.rpartition(".")[2].lower() == wanted:
                return name
    return None


def _levels(found: Trial) -> dict[str, str]:
    """Return what values of the level may mean that nobody understood."""
    unknown: Counter[str] = Counter()
    for record in found.records:
        for name in LEVEL:
            value = record.attributes.get(name)
            if isinstance(value, (str, int)) and level(value) is None:
                unknown[str(value)] += 1
    return {value: _LETTERS[value.upper()] for value, _ in unknown.most_common() if value.upper() in _LETTERS}


def _short(value: str) -> str:
    return mask_text(value)[:_LONGEST]
