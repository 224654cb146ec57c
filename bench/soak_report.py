"""What a soak saw: a drawing of it in SVG, a table, and the figures that are held against the aims."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MIB: Final = 1024 * 1024
LIMIT_MIB: Final = 10**9 / MIB + 400
"""DuckDB's memory_limit, and what may lie beside it."""
GROWTH: Final = 1.10
KINDS: Final = ("ingest", "act", "read", "page")
_COLOURS: Final = {"ingest": "#0072b2", "act": "#d55e00", "read": "#009e73", "page": "#aa4499"}
_ABOUT: Final = (
    "Made by `python -m bench soak`: the real server under steady mixed load of varied spans, lines of a "
    "spool, acts and reads by REST, and a browser that goes from page to page. The senders run on the same "
    "processors; `load` is the load of the machine, that of other programs included."
)
_WIDTH: Final = 760
_HEIGHT: Final = 150
_LEFT: Final = 70
_GAP: Final = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the server; sizes in bytes, times in milliseconds."""

    minute: float
    rss: int
    backlog: float
    """Rows that wait for the writer."""
    unread: float
    """Bytes of files that are not stored yet."""
    open_cases: float
    stored: int
    """The size of the database and its log."""
    median: dict[str, float]
    """Of the answers since the sample before, by kind."""
    slow: dict[str, float]
    """The 95th percentile of them."""
    load: float

    def line(self) -> str:
        """Return it as a row of the table."""
        slow = [f"{self.slow[kind]:,.0f}" if kind in self.slow else "–" for kind in KINDS]
        figures = (f"{self.minute:.1f}", f"{self.rss / MIB:,.0f}", *slow, f"{self.backlog:,.0f}")
        rest = (f"{self.open_cases:,.0f}", f"{self.stored / MIB:,.0f}", f"{self.load:.1f}")
        return f"| {' | '.join((*figures, *rest))} |"


HEAD: Final = (
    "| minute | memory, MiB | ingest p95, ms | act p95, ms | read p95, ms | page p95, ms | rows waiting | "
    "open exceptions | store, MiB | load |\n" + "|--:" * 10 + "|"
)


def summary(samples: Sequence[Sample], sent: int, refused: int) -> list[str]:
    """Return what was reached beside the aims, a sentence a line."""
    last = samples[-1].minute
    early, late = _around(samples, last / 3), _around(samples, last)
    most = max(sample.rss for sample in samples) / MIB
    waiting = max(sample.backlog for sample in samples)
    return [
        f"Spans acknowledged: {sent:,}, {sent / last / 60:,.0f} a second; requests that failed: {refused}.",
        f"Memory at minute {last / 3:.0f}: {early:,.0f} MiB, at minute {last:.0f}: {late:,.0f} MiB.",
        f"That is {late / early:.2f} times as much, aim {GROWTH:.2f} (means of a minute).",
        f"In the two minutes after a checkpoint, which gives back what the log holds: {_floors(samples)}.",
        f"Memory at most: {most:,.0f} MiB, aim {LIMIT_MIB:,.0f}.",
        f"Rows waiting for the writer at most: {waiting:,.0f}; at the end {samples[-1].backlog:,.0f}.",
        *(_answers(samples, kind) for kind in KINDS if any(kind in one.median for one in samples)),
    ]


def _floors(samples: Sequence[Sample]) -> str:
    """Return the mean memory after each checkpoint: after it the database and its log are much smaller."""
    found = [
        after.minute for one, after in pairwise(samples) if after.stored < one.stored / 2 and after.minute > 1
    ]
    means = [fmean(one.rss for one in samples if at <= one.minute <= at + 2) / MIB for at in found]
    return (
        ", ".join(f"{mean:,.0f} MiB (minute {at:.0f})" for at, mean in zip(found, means, strict=True))
        or "none"
    )


def _answers(samples: Sequence[Sample], kind: str) -> str:
    median, slow = _mean(samples, kind, "median"), _mean(samples, kind, "slow")
    return f"{kind.capitalize()}: median {median:,.0f} ms, 95th percentile {slow:,.0f} ms (means)."


def _mean(samples: Sequence[Sample], kind: str, which: str) -> float:
    return fmean(getattr(sample, which)[kind] for sample in samples if kind in sample.median)


def _around(samples: Sequence[Sample], minute: float) -> float:
    """Return the mean memory of the minute that ends there, in MiB."""
    within = [one.rss for one in samples if minute - 1 <= one.minute <= minute] or [samples[-1].rss]
    return fmean(within) / MIB


def page(samples: Sequence[Sample], shown: Sequence[str]) -> str:
    """Return the document: the drawing, the figures, and a row for each minute."""
    each = max(1, len(samples) // 30)
    rows = [sample.line() for sample in samples[::each]]
    parts = [
        "# Soak\n",
        _ABOUT + "\n",
        "![Memory, answers and backlog over time](soak.svg)\n",
        "\n".join(f"- {line}" for line in shown) + "\n",
        "\n".join((HEAD, *rows)) + "\n",
    ]
    return "\n".join(parts)


# --- the drawing ---------------------------------------------------------------------------------


def drawing(samples: Sequence[Sample]) -> str:
    """Return an SVG of three plots, one below the other."""
    plots = [
        _plot("Memory of the server, MiB", samples, {"memory": lambda one: one.rss / MIB}, 0),
        _plot("95th percentile of answers, ms", samples, {kind: _slow(kind) for kind in KINDS}, 1),
        _plot("Rows waiting for the writer", samples, {"waiting": lambda one: one.backlog}, 2),
    ]
    height = 3 * (_HEIGHT + _GAP) + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(plots) + "\n</svg>\n"
    )


def _slow(kind: str) -> Callable[[Sample], float | None]:
    return lambda one: one.slow.get(kind)


def _plot(
    title: str, samples: Sequence[Sample], lines: dict[str, Callable[[Sample], float | None]], place: int
) -> str:
    top, last = place * (_HEIGHT + _GAP) + 30, samples[-1].minute or 1.0
    values = [value for of in lines.values() for one in samples if (value := of(one)) is not None]
    most = max([*values, 1.0]) * 1.1
    parts = [f'<text x="{_LEFT}" y="{top - 10}" font-weight="bold">{title}</text>']
    for share in (0.0, 0.5, 1.0):
        y = top + _HEIGHT * (1 - share)
        parts += [
            f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y}" y2="{y}" stroke="#cccccc"/>',
            f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{most * share:,.0f}</text>',
        ]
    width = _WIDTH - 20 - _LEFT
    for number, (name, of) in enumerate(lines.items()):
        colour = _COLOURS.get(name, "#0072b2")
        points = " ".join(
            f"{_LEFT + width * one.minute / last:.1f},{top + _HEIGHT * (1 - value / most):.1f}"
            for one in samples
            if (value := of(one)) is not None
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(lines) > 1:
            parts.append(f'<text x="{400 + 80 * number}" y="{top - 10}" fill="{colour}">{name}</text>')
    for minute in range(0, int(last) + 1, max(1, int(last) // 6)):
        x = _LEFT + width * minute / last
        parts.append(f'<text x="{x:.1f}" y="{top + _HEIGHT + 15}" text-anchor="middle">{minute} min</text>')
    return "\n".join(parts)
