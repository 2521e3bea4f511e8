"""What a spreadsheet would run is text."""

import pytest

from schedsearch.formatting import defused


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_begins_a_formula_is_defused(begin):
    assert defused(f"{begin}1").startswith("'")
    assert defused(f"1{begin}") == f"1{begin}"
