"""Which form a file of rows has, and forms of single values."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from collectors.csvrows import CsvRows
from collectors.jsonrows import JsonRows

if TYPE_CHECKING:
    from collectors.contents import Charset, Content
    from collectors.csvtable import CsvForm
    from collectors.rows import Rows

_JSON: Final = (".json", ".jsonl", ".ndjson")
_CSV: Final = (".csv", ".tsv", ".tab", ".txt")


def rows_of(name: str, content: Content, charset: Charset, form: str, csv: CsvForm) -> Rows:
    """Return the rows of a file; `form` is csv, json, or auto: by the name's ending, then by the content.

    Raises:
        BrokenFormError: it has no rows.
    """
    plain = name.lower().removesuffix(".gz")
    is_json = form == "json" or (form == "auto" and plain.endswith(_JSON))
    if form == "auto" and not plain.endswith((*_JSON, *_CSV)):
        is_json = content.head.lstrip()[:1] in (b"{", b"[")
    return JsonRows(content, charset, plain) if is_json else CsvRows(content, charset, csv)


def moment_of(value: Any, form: str | None) -> Any:
    """Return a time as ISO 8601 where its form is known and fits; what does not fit stays as it is."""
    if form is None or not isinstance(value, str):
        return value
    try:
        return datetime.strptime(value, form).isoformat()  # noqa: DTZ007 - the source's zone is put in later
    except ValueError:
        return value


def with_point(value: Any) -> Any:
    """Return `1.234,56` as `1234.56`."""
    return value.replace(".", "").replace(",", ".") if isinstance(value, str) else value
