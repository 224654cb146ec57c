"""A table as HTML, of which each line becomes a block on a telephone: nothing has to be scrolled sideways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLE: Final = """<style>
.lines {border-collapse: collapse; width: 100%; font-size: 13px;}
.lines th {text-align: left; font-weight: 400; font-size: 11.5px; opacity: 0.75; padding: 4px 10px 4px 0;}
.lines td {padding: 7px 10px 7px 0; vertical-align: top; border-top: 1px solid #80808040;
    font-variant-numeric: tabular-nums; overflow-wrap: anywhere;}
.lines a {color: inherit; font-weight: 550; text-underline-offset: 3px;}
.lines small {display: block; font-size: 11.5px; opacity: 0.75;}
@media (max-width: 800px) {
    .lines thead {display: none;}
    .lines tr {display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid #80808040;}
    .lines td {border: 0; padding: 3px 10px 3px 0;}
    .lines td:first-child, .lines td.wide {grid-column: 1 / -1;}
    .lines td:first-child {padding-top: 8px;}
    .lines td[data-name]::before {
        content: attr(data-name); display: block; font-size: 11.5px; opacity: 0.75;
    }
}
</style>"""


def table(names: Sequence[str], rows: Iterable[Sequence[str]], wide: Sequence[str] = ()) -> str:
    """Return a table of cells that are HTML already; those of `wide` take a whole line on a telephone."""
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(f"<tr>{_cells(names, row, wide)}</tr>" for row in rows)
    return f'{_STYLE}<table class="lines"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cells(names: Sequence[str], row: Sequence[str], wide: Sequence[str]) -> str:
    first, *rest = row
    cells = "".join(
        f'<td data-name="{name}"{" class=wide" if name in wide else ""}>{cell}</td>'
        for name, cell in zip(names[1:], rest, strict=True)
    )
    return f"<td>{first}</td>{cells}"
