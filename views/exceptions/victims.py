"""The victims of a group, as lines under its own, and the groups that its exceptions come from."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from data import formats
from views.exceptions.filters import FILTERS
from views.kit import labels
from views.kit.state import param

if TYPE_CHECKING:
    from cases.groups import Group
    from cases.victims import Related

SHOWN: Final = 5
"""Groups of victims under one line of the list; the group's own page shows all."""
STYLE: Final = """<style>
.groups tr.victim td {border-top: 0; padding: 2px 10px 6px 18px;}
.groups tr.victim td::before {content: "↳"; float: left; margin-left: -16px; opacity: 0.75;}
@media (max-width: 800px) {
    .groups tr.victim {border-top: 0;}
    .groups tr.victim td, .groups tr.victim td:first-child {grid-column: 1 / -1; padding: 2px 10px 6px 18px;}
}
</style>"""


def victim_rows(group: Group, columns: int) -> str:
    """Return a row of the table of groups for each group of victims, and one for those that are left out.

    Args:
        group: The group that the exceptions come from.
        columns: How many columns the table has.
    """
    is_open = param("group") == group.id
    shown = group.victims if is_open else group.victims[:SHOWN]
    rows = [_row(_line(victims), columns) for victims in shown]
    if rest := len(group.victims) - len(shown):
        more = f'<a href="{_address(group.id)}" target="_self">and {formats.count(rest, "more group")}</a>'
        rows.append(_row(f"<small>{more}</small>", columns))
    return "".join(rows)


def roots_of(group: Group) -> str:
    """Return a line for each group that exceptions of this one come from."""
    lines = (
        f"{root.cases:,} of its open exceptions come from {_link(root)}: {escape(root.evidence.words)}"
        for root in group.caused_by
    )
    return "".join(f"<small>{line}</small>" for line in lines)


def with_victims(group: Group) -> tuple[str, str]:
    """Return what stands under the count and the money at risk of a group with victims; else nothing."""
    if not group.victims:
        return "", ""
    count = f"<small>and {formats.count(group.victim_cases, 'victim')}</small>"
    if group.value_with_victims == group.value:
        return count, ""
    both = ", ".join(escape(labels.amount(value)) for value in group.value_with_victims)
    return count, f"<small>{both} with victims</small>"


def _row(content: str, columns: int) -> str:
    return f'<tr class="victim"><td colspan="{columns}">{content}</td></tr>'


def _line(victims: Related) -> str:
    count = formats.count(victims.cases, "exception")
    return f"{_link(victims)}<small>{count} · {escape(victims.evidence.words)}</small>"


def _link(group: Related) -> str:
    return f'<a href="{_address(group.id)}" target="_self">{escape(group.title)}</a>'


def _address(group_id: str) -> str:
    kept = {name: param(name) for name in FILTERS if param(name)}
    return escape(f"/?{urlencode({**kept, 'group': group_id})}")
