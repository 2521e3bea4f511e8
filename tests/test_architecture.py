"""docs/architecture.md names files that are there. Its picture of the rooms is checked with all pages' numbers."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"


def test_every_file_that_the_page_names_is_there():
    named = re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)(?:\.[A-Za-z_.]+)?`", PAGE.read_text())
    assert len(named) > 30
    places = [ROOT, ROOT / "schedsearch"]
    there = {name for name in named for place in places if (place / name).exists() or (place / f"{name}.py").exists()}
    assert set(named) == there
