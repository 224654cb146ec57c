"""The review as files: one HTML file that opens without a network, and the scoreboard as CSV."""

from __future__ import annotations

import io
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from data import formats, sheet
from kpis.review import entries
from kpis.review.entries import SECTIONS
from views.review import fragments, selecting, tiles
from views.review.headlines import headline

if TYPE_CHECKING:
    from collections.abc import Callable

    from views.review.shown import Shown

_STYLE: Final = (Path(__file__).parent / "review.css").read_text(encoding="utf-8")
_DOCUMENT: Final = """
:root {color-scheme: light dark;}
body {font: 15px/1.45 system-ui, sans-serif; max-width: 1100px; margin: 24px auto; padding: 0 18px;}
h1 {font-size: 24px; margin: 0 0 4px;} h2 {font-size: 18px; margin: 26px 0 4px;}
h3 {font-size: 15px; margin: 8px 0 2px;}
.tiles {display: grid; grid-template-columns: repeat(auto-fill, minmax(235px, 1fr)); gap: 12px;}
.tiles > div, .card {border: 1px solid #80808050; border-radius: 8px; padding: 10px 14px;}
.card {margin: 8px 0;}
@page {size: A4; margin: 14mm;}
@media print {
    body {font-size: 11px; max-width: none; margin: 0; padding: 0; color: #000; background: #fff;}
    h2, h2 + p, .card > p {break-after: avoid;} tr {break-inside: avoid;} details {display: none;}
    .tiles {grid-template-columns: repeat(4, 1fr); gap: 6px;}
    .review table {font-size: 10.5px;} .review .tile .value {font-size: 20px;}
    .review th, .review td small, .review .small {font-size: 9.5px;}
    .review .note, .review .legend, .review .tile .name, .review .tile .line {font-size: 11px;}
}
"""
# Nothing may be loaded and no script may run, whatever the text of telemetry holds.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
COLUMNS: Final = (
    "week", "of", "state", "as_of", "id", "name", "value", "unit", "n", "in_flight", "previous", "target",
    "owner", "better", "definition_version", "sql_hash", "macros_hash", "comment",
    "restated_value", "restated_n", "restated_reason",
)  # fmt: skip


def as_html(review: Shown, now: datetime) -> str:
    """Return the review as one HTML file."""
    name = f"Weekly review {escape(review.week)}"
    sections = "".join(_section(section, review) for section in SECTIONS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}{_DOCUMENT}</style></head>"
        f'<body class="review"><h1>{name}</h1><p>{_state(review, now)}</p>{_work(review)}'
        f"{sections}</body></html>"
    )


def _work(review: Shown) -> str:
    if review.work.is_all:
        return ""
    return f'<p class="note">{escape(" ".join(selecting.sentences(review)))}</p>'


def _state(review: Shown, now: datetime) -> str:
    zone = review.content.zone
    made = f"exported {formats.clock(now, zone)} ({escape(zone)})"
    if not review.kept:
        return f"Draft, {made}: late records still change it."
    altered = "" if review.intact else " <b class=bad>It was altered after it was frozen.</b>"
    frozen = formats.clock(datetime.fromisoformat(review.kept.frozen_at), zone)
    return (
        f"Frozen {frozen} by {escape(review.kept.actor)}, {made}.{altered}"
        f"<br><span class='small hash'>Hash {escape(review.kept.hash)}</span>"
    )


def _section(section: str, review: Shown) -> str:
    notes = "".join(fragments.note(one.text) for one in review.content.notes if one.section == section)
    name, text = SECTIONS[section], escape(headline(section, review))
    content = _CONTENT[section](review)
    return f"<section><h2>{name}</h2><p>{text}</p>{content}{notes}</section>"


def _tiles(review: Shown) -> str:
    drawn = "".join(f"<div>{tiles.tile(kpi, one, review)}</div>" for kpi, one in review.stated)
    return f'<div class="tiles">{drawn}</div>'


def _moved(review: Shown) -> str:
    figures = review.content.figures
    moved = review.content.pack.moved if review.content.pack else []
    cards = (tiles.why_moved(one, review) + fragments.comment(figures[one.id].comment) for one in moved)
    return "".join(f'<div class="card">{card}</div>' for card in cards)


def _wins(review: Shown) -> str:
    wins, misses = (fragments.written(review.content.entries, kind) for kind in (entries.WIN, entries.MISS))
    return f"<h3>Wins</h3>{wins}<h3>Misses</h3>{misses}"


def _decisions(review: Shown) -> str:
    decided = fragments.written(review.content.entries, entries.DECISION)
    promised = fragments.actions(review.content.actions, review)
    return f"<h3>Decisions</h3>{decided}<h3>Actions</h3>{promised}"


def _of_pack(draw: Callable[[Any], str]) -> Callable[[Shown], str]:
    return lambda review: draw(review.content.pack) if review.content.pack else ""


_CONTENT: Final[dict[str, Callable[[Shown], str]]] = {
    "promises": lambda review: fragments.actions(review.content.promises, review),
    "scoreboard": _tiles,
    "shape": _of_pack(lambda pack: fragments.shape(pack.shape, pack.changes)),
    "moved": _moved,
    "hurts": _of_pack(lambda pack: fragments.hurts(pack.hurts)),
    "money": _of_pack(lambda pack: fragments.money(pack.money)),
    "backlog": _of_pack(lambda pack: fragments.backlog(pack.backlog, links=False)),
    "wins": _wins,
    "decisions": _decisions,
}


def as_csv(review: Shown) -> bytes:
    """Return the scoreboard as CSV, with raw numbers."""
    out = io.BytesIO()
    sheet.write((_row(kpi, review) for kpi, _ in review.stated), COLUMNS, out)
    return out.getvalue()


def _row(kpi: str, review: Shown) -> dict[str, object]:
    one, later = review.content.figures[kpi], review.restated.get(kpi)
    row: dict[str, object] = {name: getattr(one, name) for name in COLUMNS if hasattr(one, name)}
    row |= {"week": review.week, "of": str(review.work), "id": kpi}
    row |= {"state": "frozen" if review.kept else "draft", "as_of": review.as_of(kpi)}
    if later:
        row |= {"restated_value": later.value, "restated_n": later.n, "restated_reason": later.reason}
    return row
