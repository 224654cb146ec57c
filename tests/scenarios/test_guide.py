"""Every example of docs/frameworks.md is run by a test here, from the document itself."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scenarios.frameworks import GUIDE

TESTS = Path(__file__).parent
_SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
_TAKEN = re.compile(
    r'place\.write\("(.+?)"\)|^    "(.+?)": "/orders/|partition\("\\n## (.+?)\\n"\)', re.MULTILINE
)


def test_each_section_with_code_has_a_test_that_takes_its_text() -> None:
    shown = {name for name, text in _SECTION.findall(GUIDE.read_text()) if "```python" in text}
    found = [each for path in TESTS.glob("test_*.py") for each in _TAKEN.findall(path.read_text())]
    assert shown == {name for names in found for name in names if name}
    assert len(shown) > 10
