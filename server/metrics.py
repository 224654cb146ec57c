"""The server's own figures in OpenMetrics' text form, for those who already have an alert manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from collectors.states import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from server.center import Center

    Sample = tuple[dict[str, str], float]

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(center: Center) -> str:
    """Return all figures, ended by `# EOF` as the standard asks."""
    sources = center.sources()
    (head,) = center.store.query("audit/head")
    families = [
        _family("unsnag_cases", "gauge", "Exceptions by state and flow.", _by_state(center, "case", "cases")),
        _family(
            "unsnag_retries", "gauge", "Retries by state and flow.", _by_state(center, "retry", "retries")
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
            [({}, center.store.waiting_rows)],
        ),
    ]
    families += [
        _family("unsnag_audit_entries", "counter", "Entries of the audit's chain.", [({}, head["seq"])]),
        _family(
            "unsnag_audit_intact", "gauge", "1 while the audit's chain holds.", [({}, center.watch.is_intact)]
        ),
    ]
    return "\n".join([*families, "# EOF", ""])


def _by_state(center: Center, what: str, count: str) -> list[Sample]:
    rows = center.store.everything().query(f"server/{what}_states")
    return [({"flow": row["flow"], "state": row["state"]}, row[count]) for row in rows]


def _of_sources(sources: Sequence[dict[str, Any]]) -> list[str]:
    return [
        _family(
            "unsnag_source_lag_seconds",
            "gauge",
            "Age of the oldest unread record.",
            _by_source(sources, "lag_s"),
        ),
        _family(
            "unsnag_source_unread_bytes",
            "gauge",
            "Bytes whose records are not stored yet.",
            _by_source(sources, "unread_bytes"),
        ),
        _family(
            "unsnag_source_read_bytes_per_second",
            "gauge",
            "How fast unread bytes are stored, while there are some.",
            _by_source(sources, "read_bytes_per_second"),
        ),
        _family("unsnag_source_state", "gauge", "1 for the state a source is in.", _states(sources)),
        _family(
            "unsnag_file_lag_seconds",
            "gauge",
            "Age of the oldest unread record of a file; fully read files are left out.",
            _by_file(sources, "lag_s"),
        ),
        _family(
            "unsnag_file_unread_bytes",
            "gauge",
            "Bytes of a file whose records are not stored yet; fully read files are left out.",
            _by_file(sources, "unread_bytes"),
        ),
    ]


def _states(sources: Iterable[dict[str, Any]]) -> list[Sample]:
    return [
        ({"source": source["name"], "state": state}, int(source["state"] == state))
        for source in sources
        for state in STATES
    ]


def _by_file(sources: Iterable[dict[str, Any]], field: str) -> list[Sample]:
    return [
        ({"source": source["name"], "file": file["path"]}, file[field])
        for source in sources
        for file in source["files"]
    ]


def _by_source(sources: Iterable[dict[str, Any]], field: str) -> list[Sample]:
    return [({"source": s["name"]}, s[field]) for s in sources if s[field] is not None]


def _family(name: str, kind: str, words: str, samples: Iterable[Sample]) -> str:
    suffix = "_total" if kind == "counter" else ""
    lines = [f"# TYPE {name} {kind}", f"# HELP {name} {words}"]
    lines += [f"{name}{suffix}{_labels(labels)} {value}" for labels, value in samples]
    return "\n".join(lines)


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"
