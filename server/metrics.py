"""The server's own figures in OpenMetrics' text form, for those who already have an alert manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.states import SourceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collectors.status import SourceStatus
    from data.disk import Disk
    from server.container import Container

    Sample = tuple[dict[str, str], float]

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(container: Container) -> str:
    """Return all figures, ended by `# EOF` as the standard asks."""
    sources = container.sources()
    (head,) = container.store.query("audit/head")
    families = [
        _family(
            "unsnag_cases", "gauge", "Exceptions by state and flow.", _by_state(container, "case", "cases")
        ),
        _family(
            "unsnag_retries", "gauge", "Retries by state and flow.", _by_state(container, "retry", "retries")
        ),
        _family("unsnag_records", "counter", "Records stored.", _by_source(sources, "records")),
        _family(
            "unsnag_duplicates",
            "counter",
            "Records that were there already.",
            _by_source(sources, "duplicates"),
        ),
        _family(
            "unsnag_quarantined",
            "counter",
            "Records that could not be read.",
            _by_source(sources, "quarantined"),
        ),
        *_of_sources(sources),
        _family(
            "unsnag_writer_waiting_rows",
            "gauge",
            "Rows that wait for the writer.",
            [({}, container.store.waiting_rows)],
        ),
    ]
    families += [
        _family("unsnag_audit_entries", "counter", "Entries of the audit's chain.", [({}, head["seq"])]),
        _family(
            "unsnag_audit_intact",
            "gauge",
            "1 while the audit's chain holds.",
            [({}, container.watch.is_intact)],
        ),
        _family(
            "unsnag_audit_differences",
            "gauge",
            "Rows of exceptions, people and tokens that are other than the audit says.",
            [({}, len(container.watch.state.differences) if container.watch.state else 0)],
        ),
    ]
    return "\n".join([*families, *_of_store(container), "# EOF", ""])


def _of_store(container: Container) -> list[str]:
    return [
        _family(
            "unsnag_store_missing_commits",
            "gauge",
            "Acknowledged commits that are missing from the store, until an operator accepts it.",
            [({}, _missing(container))],
        ),
        _family(
            "unsnag_store_writes",
            "gauge",
            "1 while the store takes records and acts.",
            [({}, int(not container.store.troubles()))],
        ),
        *_of_disk(container.store.disk),
    ]


def _of_disk(disk: Disk | None) -> list[str]:
    if disk is None:
        return []
    days = disk.days_left()
    return [
        _family("unsnag_disk_free_bytes", "gauge", "Free space of the store's disk.", [({}, disk.free)]),
        _family(
            "unsnag_disk_used_percent",
            "gauge",
            "How full the store's disk is.",
            [({}, round(disk.percent, 2))],
        ),
        _family(
            "unsnag_disk_days_left",
            "gauge",
            "Days until the store's disk is full, at the pace of the last day.",
            [] if days is None else [({}, round(days, 3))],
        ),
    ]


def _missing(container: Container) -> int:
    """Return how many commits are missing; 1 where it is not known how many."""
    loss = container.store.loss
    return max(loss.commits, 1) if loss else 0


def _by_state(container: Container, what: str, count: str) -> list[Sample]:
    rows = container.store.everything().query(f"server/{what}_states")
    return [({"flow": row["flow"], "state": row["state"]}, row[count]) for row in rows]


_OF_SOURCES: Final = (
    ("unsnag_source_lag_seconds", "Age of the oldest unread record.", "lag_s"),
    ("unsnag_source_unread_bytes", "Bytes whose records are not stored yet.", "unread_bytes"),
    ("unsnag_source_unread_items", "Files, or items of a queue or a list, that are unread.", "unread_items"),
    (
        "unsnag_source_read_bytes_per_second",
        "How fast unread bytes are stored, while there are some.",
        "read_bytes_per_second",
    ),
)
_LISTED: Final = (
    ("unsnag_source_unreadable_files", "Files that cannot be read.", "unreadable_files"),
    (
        "unsnag_source_vanished_fields",
        "Fields that a mapping relies on and that do not come any more.",
        "drifts",
    ),
)
_OF_FILES: Final = (
    (
        "unsnag_file_lag_seconds",
        "Age of the oldest unread record of a file; fully read files are left out.",
        "lag_s",
    ),
    (
        "unsnag_file_unread_bytes",
        "Bytes of a file whose records are not stored yet; fully read files are left out.",
        "unread_bytes",
    ),
)


def _of_sources(sources: Sequence[SourceStatus]) -> list[str]:
    return [
        *(_family(name, "gauge", what, _by_source(sources, field)) for name, what, field in _OF_SOURCES),
        *(_family(name, "gauge", what, _how_many(sources, field)) for name, what, field in _LISTED),
        _family("unsnag_source_state", "gauge", "1 for the state a source is in.", _states(sources)),
        *(_family(name, "gauge", what, _by_file(sources, field)) for name, what, field in _OF_FILES),
    ]


def _how_many(sources: Iterable[SourceStatus], field: str) -> list[Sample]:
    return [({"source": source.name}, len(getattr(source, field))) for source in sources]


def _states(sources: Iterable[SourceStatus]) -> list[Sample]:
    return [
        ({"source": source.name, "state": state}, int(source.state == state))
        for source in sources
        for state in SourceState
    ]


def _by_file(sources: Iterable[SourceStatus], field: str) -> list[Sample]:
    return [
        ({"source": source.name, "file": file.path}, getattr(file, field))
        for source in sources
        for file in source.files
    ]


def _by_source(sources: Iterable[SourceStatus], field: str) -> list[Sample]:
    known = ((source.name, getattr(source, field)) for source in sources)
    return [({"source": name}, value) for name, value in known if value is not None]


def _family(name: str, kind: str, words: str, samples: Iterable[Sample]) -> str:
    suffix = "_total" if kind == "counter" else ""
    lines = [f"# TYPE {name} {kind}", f"# HELP {name} {words}"]
    lines += [f"{name}{suffix}{_labels(labels)} {value}" for labels, value in samples]
    return "\n".join(lines)


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"
