from __future__ import annotations

from pathlib import Path

from kpis.listing import listing


def test_the_document_says_what_the_headers_say() -> None:
    """Fix with `python -m kpis.listing > docs/kpis.md`."""
    document = Path(__file__).parents[2] / "docs" / "kpis.md"
    assert document.read_text(encoding="utf-8") == listing()
