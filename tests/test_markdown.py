"""Tables in Markdown."""

from schedsearch.formatting import markdown_table


def test_a_table_has_a_head_a_rule_and_its_rows():
    told = markdown_table(["name", "steps"], [["a", 6], ["b", 12]])
    assert told.splitlines() == ["| name | steps |", "| --- | --- |", "| a | 6 |", "| b | 12 |"]


def test_numbers_are_set_right():
    assert markdown_table(["name", "x", "y"], [], numbers=True).splitlines()[1] == "| --- | ---: | ---: |"


def test_a_bar_begins_no_cell():
    assert markdown_table(["a|b"], [["c|d"]]).splitlines() == ["| a/b |", "| --- |", "| c/d |"]
