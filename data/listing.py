"""The table of context fields as a document: `python -m data.listing > docs/fields.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from unsnag.fields import FIELDS

if TYPE_CHECKING:
    from unsnag.fields import Field

INTRODUCTION: Final = """# Context fields

Whose work a unit is, and where it runs.
Made from `unsnag/fields.py` by `python -m data.listing`; a test compares both.

- A script names a field as an argument of `unsnag.unit` or `unsnag.init`, or as an option of `unsnag run`.
- Foreign telemetry names it by its attribute, on a JSON line or over OTLP, or by a mapping.
- A unit keeps the greatest of the values that its records name, whatever the order of arrival.
- An exception takes the value of its failure, else that of its unit; `inherited` lists the latter.
- Our client masks every value. *Masked* fields are masked by the server as well, also those of other clients.

To add a field, write its row in `unsnag/fields.py` and a migration that adds its columns.
Then make this page and `docs/kpis.md` again.

"""
_COLUMNS: Final = (
    "field",
    "attribute",
    "argument of",
    "mapping",
    "kept by",
    "KPI split",
    "baggage",
    "masked",
)


def listing() -> str:
    """Return the document's text."""
    shown = [field for field in FIELDS if field.is_context or field.on_unit]
    rows = [_row((*_COLUMNS, "meaning")), _row(["---"] * (len(_COLUMNS) + 1))]
    return INTRODUCTION + "\n".join([*rows, *(_row(_cells(field)) for field in shown), ""])


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(field: Field) -> list[str]:
    # The tenant is part of what identifies a unit and a case.
    is_key = field.name == "tenant"
    kept = (("unit", field.on_unit or is_key), ("exception", field.on_case or is_key))
    return [
        f"`{field.name}`",
        f"`{field.attribute}`",
        f"`{field.argument}`",
        _yes(is_true=field.is_mapped),
        ", ".join(place for place, is_kept in kept if is_kept),
        _yes(is_true=field.split is not None),
        _yes(is_true=field.in_baggage),
        _yes(is_true=field.is_masked),
        field.meaning,
    ]


def _yes(*, is_true: bool) -> str:
    return "yes" if is_true else ""


if __name__ == "__main__":
    sys.stdout.write(listing())
