"""docs/architecture.md shows the rooms as the code has them, and names files that are there."""

import re
from pathlib import Path

from experiments.draw_rooms import with_picture

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"


def test_the_picture_is_that_of_todays_imports(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = PAGE.read_text()
    assert text == with_picture(text), "python -m experiments.draw_rooms docs/architecture.md draws it again"


def test_every_file_that_the_page_names_is_there():
    named = re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)(?:\.[A-Za-z_.]+)?`", PAGE.read_text())
    assert len(named) > 30
    places = [ROOT, ROOT / "schedsearch"]
    there = {name for name in named for place in places if (place / name).exists() or (place / f"{name}.py").exists()}
    assert set(named) == there
