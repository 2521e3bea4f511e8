"""Numbers with their nouns, Markdown tables, and text that a spreadsheet must not run."""

import pytest

from schedsearch.formatting import counted, defused, fitting, markdown_table


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 clips"), (1, "1 clip"), (2, "2 clips"), (1000, "1000 clips"), (12345, "12,345 clips")]
)
def test_one_is_one_and_all_other_numbers_are_many(number, text):
    assert counted(number, "clip") == text


def test_a_table_has_a_head_a_rule_and_its_rows():
    table = markdown_table(["name", "steps"], [["a", 6], ["b", 12]])
    assert table.splitlines() == ["| name | steps |", "| --- | --- |", "| a | 6 |", "| b | 12 |"]


def test_numbers_are_set_right():
    assert markdown_table(["name", "x", "y"], [], numbers=True).splitlines()[1] == "| --- | ---: | ---: |"


def test_a_bar_begins_no_cell():
    assert markdown_table(["a|b"], [["c|d"]]).splitlines() == ["| a/b |", "| --- |", "| c/d |"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_what_begins_a_formula_is_defused(begin):
    assert defused(f"{begin}1").startswith("'")
    assert defused(f"1{begin}") == f"1{begin}"


def test_the_first_parts_are_kept_until_the_room_is_used_up():
    assert fitting("abcd", [1, 2, 3, 1], 3) == ["a", "b"]
    assert fitting("abcd", [5, 1, 1, 1], 3) == []
