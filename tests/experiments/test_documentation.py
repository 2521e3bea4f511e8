"""Numbers, tables and links of README and docs: filled in from hand-made tables, and true on the pages there are."""

import json
from pathlib import Path

import pytest

from experiments.documentation.__main__ import main
from experiments.documentation.links import anchors, dead_links
from experiments.documentation.loose_numbers import loose_numbers
from experiments.documentation.markers import filled, outdated_pictures
from experiments.documentation.pages import pages
from experiments.documentation.values import read, value
from vocoder.errors import InputError

ROOT = Path(__file__).parents[2]
TABLE = "voice,steps,score\na,6,3.952\na,12,3.5\nb,6,-4.25\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read.cache_clear()
    (tmp_path / "scores-1.csv").write_text(TABLE)
    (tmp_path / "scores-2.csv").write_text("voice,steps,score\nc,6,0.051\n")
    (tmp_path / "run.json").write_text(json.dumps({"name": "x", "held_out": [{"metric": "m", "gain": {"mean": 0.5}}]}))
    yield tmp_path
    read.cache_clear()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("scores-1.csv; voice == 'a' and steps == 6; score; .2f", "3.95"),
        ("scores-1.csv; voice == 'b'; score; .1f", "−4.2"),
        ("scores-1.csv; voice == 'b'; -score / 2; +.2f", "+2.12"),
        ("scores-2.csv; ; score; .1%", "5.1 %"),
        ("scores-1.csv; steps == 6; max of score; .3f", "3.952"),
        ("scores-*.csv; steps == 6; count of score", "3"),
        ("scores-1.csv; steps == 12; voice", "a"),
        ("run.json; ; name", "x"),
        ("run.json#held_out; metric == 'm'; `gain.mean`; .1f", "0.5"),
    ],
)
def test_a_value_is_looked_up_in_the_table_that_its_marker_names(folder, source, text):
    assert value(source) == text
    page = f"It is <!-- value: {source} -->old<!-- end --> now."
    assert filled(page) == f"It is <!-- value: {source} -->{text}<!-- end --> now."
    assert filled(filled(page)) == filled(page)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("scores-1.csv; steps == 6", "FILE; ROWS; COLUMN; FORMAT"),
        ("none.csv; ; score", "there is no file none.csv"),
        ("scores-1.csv; steps == 6; score; .1f", "these are 2"),
        ("scores-1.csv; steps == 99; score; .1f", "these are 0"),
        ("scores-1.csv; steps == 12; loss; .1f", "loss"),
        ("scores-1.csv; steps =; score", "mend the marker"),
        ("scores-1.csv; steps == 12; most of score", "before `of`"),
        ("scores-1.csv; steps == 12; voice; .1f", "mend the marker"),
        ("run.json#none; ; name", "none"),
    ],
)
def test_a_marker_that_cannot_be_filled_is_named(folder, source, said):
    with pytest.raises(InputError, match=said) as fault:
        value(source)
    assert source in str(fault.value)


def test_what_a_command_prints_stands_between_its_markers(folder):
    page = "<!-- output: schedsearch metrics -->\nold\n<!-- end -->\nafter\n"
    lines = filled(page).splitlines()
    assert lines[0] == "<!-- output: schedsearch metrics -->"
    assert any("log_mel_l1" in line for line in lines)
    assert lines[-2:] == ["<!-- end -->", "after"]


FAILING = ["rm -r x", "schedsearch show none.json", "python -m experiments.shipped_searches --none"]


@pytest.mark.parametrize("command", FAILING)
def test_a_command_that_fails_or_is_another_fills_nothing(folder, command, capsys):
    with pytest.raises(InputError):
        filled(f"<!-- output: {command} -->\nold\n<!-- end -->\n")


UNPAIRED = ["<!-- value: x; ; y -->1", "1<!-- end -->", "<!-- output: a -->\n<!-- output: b -->\n"]


@pytest.mark.parametrize("text", UNPAIRED)
def test_markers_come_in_pairs(text):
    with pytest.raises(InputError, match="<!-- end -->"):
        filled(text)


def test_a_picture_is_drawn_again_as_soon_as_its_tables_change(folder, capsys):
    page = folder / "README.md"
    page.write_text("<!-- picture: schedsearch verify universal-6; scores-*.csv run.json; old -->\n![x](run.json)\n")
    assert outdated_pictures(page.read_text()) == ["schedsearch verify universal-6"]
    assert main([]) == 0
    assert outdated_pictures(page.read_text()) == []
    assert main(["--check"]) == 0
    (folder / "scores-2.csv").write_text("voice,steps,score\nc,6,0.06\n")
    assert main(["--check"]) == 1


def test_a_picture_of_no_table_is_refused(folder):
    with pytest.raises(InputError, match=r"none\.csv is not"):
        filled("<!-- picture: schedsearch show x; none.csv; old -->")


def test_anchors_are_githubs():
    text = "# A schedule's `betas`, and more\n## Same\n## Same\n```\n# no heading\n```\n### [A link](x.md) & sign\n"
    assert anchors(text) == {"a-schedules-betas-and-more", "same", "same-1", "a-link--sign"}


def test_links_that_lead_nowhere_are_named_with_their_line(folder):
    (folder / "other.md").write_text("# Here\n")
    page = folder / "page.md"
    text = "[a](other.md#here) [b](https://x.y)\n[c](none.md)\n```\n[d](none.md)\n```\n[e](other.md#gone) [f](#gone)\n"
    page.write_text(text)
    assert [(line, fault.split(":")[0]) for line, fault in dead_links(page, text)] == [
        (2, "there is no none.md"), (6, "other.md has no heading #gone"), (6, "this page has no heading #gone"),
    ]  # fmt: skip


def test_a_page_that_cannot_be_filled_leaves_all_others_as_they_were(folder, capsys):
    first, second = folder / "a.md", folder / "b.md"
    first.write_text(page := "<!-- value: scores-2.csv; ; score; .1% -->?<!-- end -->\n")
    second.write_text("<!-- value: none.csv; ; score; .1% -->?<!-- end -->\n")
    assert main([str(first), str(second)]) == 2
    assert first.read_text() == page
    assert "b.md" in capsys.readouterr().err


def test_checking_writes_nothing_and_filling_mends(folder, capsys):
    page = folder / "README.md"
    page.write_text("<!-- value: scores-2.csv; ; score; .1% -->5.2 %<!-- end -->\n")
    assert main(["--check"]) == 1
    assert "numbers or pictures differ from their tables; `make docs` makes them again" in capsys.readouterr().err
    assert "5.2 %" in page.read_text()
    assert main([]) == 0
    assert "5.1 %" in page.read_text()
    assert main(["--check"]) == 0


def test_the_pages_say_what_the_tables_say_and_their_links_lead_somewhere(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_readme_is_two_screens_and_a_page_is_one_subject(monkeypatch):
    monkeypatch.chdir(ROOT)
    lengths = {str(page): len(page.read_text().splitlines()) for page in pages()}
    assert {page for page, length in lengths.items() if length > (150 if page == "README.md" else 200)} == set()


def test_a_typed_number_is_named_with_its_line_and_a_given_one_is_not():
    text = "At 95 %, 22.05 kHz, `0.8` and [a](x-1.5.md).\nIt gains 3.4 % or 0.05.\n```\n0.1\n```\n"
    filled_in = "<!-- value: a.csv; ; b -->1.5<!-- end --> <!-- output: x -->\n2.5\n<!-- end -->\n"
    named = [(line, fault.split(" is typed")[0]) for line, fault in loose_numbers(text + filled_in)]
    assert named == [(2, "3.4 %"), (2, "0.05")]


def test_the_pictures_of_the_pages_are_small():
    pictures = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert len(pictures) >= 6
    assert sum(picture.stat().st_size for picture in pictures) < 1_500_000
