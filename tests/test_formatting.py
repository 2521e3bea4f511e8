"""Numbers with their nouns, Markdown tables, and text that a spreadsheet must not run."""

import pytest

from schedsearch.formatting import alike, counted, defused, fitting, markdown_table


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 clips"), (1, "1 clip"), (2, "2 clips"), (1000, "1000 clips"), (12345, "12,345 clips")]
)
def test_one_is_one_and_all_other_numbers_are_many(number, text):
    assert counted(number, "clip") == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((3.42134, 0.0312), ["3.4213", "0.0312"]),
        ((4.2e-4, 3.1e-5), ["0.00042", "0.00003"]),
        ((1.03e-12, 2e-13), ["1.030e-12", "2.000e-13"]),
        ((-3e-9, 0.012), ["0.0000", "0.0120"]),  # a mean about zero
        ((3.2e150, 1e149), ["3.200e+150", "1.000e+149"]),
        ((12345678.0, 3.0), ["12345678.0000", "3.0000"]),
        ((-0.0,), ["0.0000"]),
        ((float("nan"),), ["nan"]),
    ],
)
def test_numbers_of_any_scale_can_be_read(values, texts):
    assert alike(values) == texts


def test_the_number_that_decides_is_seen_not_to_be_zero():
    assert alike((1.0, 4e-6, 2.0), decides=4e-6) == ["1.0000000", "0.0000040", "2.0000000"]
    assert alike((1.0, 1e-12, 2.0), decides=1e-12) == ["1.00000000", "0.00000000", "2.00000000"]


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
