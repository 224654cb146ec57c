"""The pictures of the operators' document: those that the script takes, small, and each is drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.docs.pictures import FOLDER, MOST_BYTES, PICTURES, SIGN_IN, SIZE
from tests.journeys.serving import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = ROOT / "docs" / "operators.md"


def stored() -> list[Path]:
    return sorted(FOLDER.iterdir())


def test_the_document_shows_exactly_what_the_script_takes() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(pictures/operators/([a-z-]+)\.webp\)", DOCUMENT.read_text())
    assert sorted(shown) == sorted(PICTURES)
    assert sorted(shown) == [path.stem for path in stored()]
    assert DOCUMENT.read_text().count("![") == len(shown)


def test_all_pictures_together_are_small() -> None:
    assert sum(path.stat().st_size for path in stored()) < MOST_BYTES


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_a_whole_picture_of_a_page(name: str) -> None:
    with Image.open(FOLDER / f"{name}.webp") as picture:
        picture.load()
        colors = picture.convert("RGB").getcolors(picture.width * picture.height)
    assert (picture.format, picture.width) == ("WEBP", SIZE["width"])
    assert picture.height == SIZE["height"] or name == SIGN_IN
    assert colors is not None
    assert len(colors) > 100, "a page that was not drawn has hardly any"
