"""Each layout on what its program wrote: time, severity, message, logger, ID, exception and stack trace."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from collectors.layouts.table import LAYOUTS, Known, find
from collectors.lines import Reader
from collectors.normalise import Normaliser
from tests.collectors.rows import logs, read
from tests.layouts import table
from tests.layouts.documented import SAMPLES
from tests.layouts.proof import PROOFS, ZONE

if TYPE_CHECKING:
    from collectors.layouts.layout import Layout
    from tests.layouts.documented import Sample
    from tests.layouts.proof import Proof

RIGHT = 0.98
EXACT = [layout for layout in LAYOUTS if not layout.is_general]
proofs = pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)


@proofs
def test_what_a_program_wrote_is_read_right(proof: Proof) -> None:
    assert len(proof.events()) >= 200
    assert {
        name: share for name, share in proof.shares().items() if share is not None and share < RIGHT
    } == {}
    assert not proof.batch().quarantined


@proofs
def test_a_recorded_file_gives_the_same_rows_however_it_is_cut(proof: Proof) -> None:
    whole = sorted(proof.rows(), key=lambda row: row["record_id"])
    raw, consumed = proof.log, 0
    n = Normaliser("proof", "jsonl", whole[0]["ingested_at"], local_zone=ZONE)
    for cut in range(0, len(raw), 7_001):
        end = raw.rfind(b"\n", 0, cut) + 1
        if end > consumed:
            consumed = Reader.into(n).read(proof.piece(consumed, end, final=False))
    Reader.into(n).read(proof.piece(consumed, len(raw), final=True))
    assert sorted(logs(n), key=lambda row: row["record_id"]) == whole


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.source[:40])
def test_what_a_documentation_shows_is_read_right(sample: Sample) -> None:
    rows = logs(read(sample.text))
    found = [
        {key: row.get(key) for key in expected} for row, expected in zip(rows, sample.expected, strict=True)
    ]
    assert found == list(sample.expected)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_layout_reads_its_samples_and_no_other_does(layout: Layout) -> None:
    for sample in layout.samples:
        assert sample[0] in layout.begins
        found = find(sample)
        assert found is not None
        assert found[0] is layout
        others = [other.name for other in EXACT if other is not layout and other.read(sample) is not None]
        assert others == [], sample


@proofs
def test_no_line_of_a_program_has_two_layouts(proof: Proof) -> None:
    for line in proof.log.decode().split("\n"):
        assert len([layout.name for layout in EXACT if layout.read(line) is not None]) <= 1, line


def test_what_a_file_was_seen_to_have_changes_no_answer() -> None:
    lines = [sample for layout in LAYOUTS for sample in layout.samples]
    plain = [_answer(find(line)) for line in lines]
    for first in permutations(EXACT[:6], 3):
        assert [_answer(find(line, first)) for line in lines] == plain
    known = Known()
    assert [_answer(known.find(line)) for line in lines * 2] == plain * 2
    assert len(known.layouts) == 3


def _answer(found: Any) -> Any:
    return None if found is None else (found[0].name, found[1])


def test_the_document_shows_what_is_measured() -> None:
    assert table.written() == table.table(), "run python -m tests.layouts.table"
