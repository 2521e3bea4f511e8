"""Messages name make variables, or options where the program was called by hand."""

import re
from pathlib import Path

import pytest

from schedsearch.commands import wording
from schedsearch.commands.wording import as_called, with_options

MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text()


@pytest.mark.parametrize(
    ("made", "by_hand"),
    [
        ("run make search ITERS=6 DATASET=demo first", "run schedsearch search --iters 6 --dataset demo first"),
        ("make search-all DATASET=... ITERS=\"6 12\"", "schedsearch search-all --dataset ... --iters \"6 12\""),
        ("make voice writes a new one", "schedsearch voice writes a new one"),
        ("FORCE=1 searches all the same", "--force searches all the same"),
        ("ITERS=1 is short", "--iters 1 is short"),
        ("choose one with RATE=", "choose one with --rate"),
        ("choose one with RATE=, or", "choose one with --rate, or"),
        ("STRATEGY must be one of auto, tpe", "--strategy must be one of auto, tpe"),
        ("EXCERPT must lie", "--seconds must lie"),
        ("LONG_SECONDS=0; MORE= adds to it", "--long-seconds 0; --more adds to it"),
        ("the voice: experiments/DATASET.toml", "the voice: experiments/DATASET.toml"),
        ("clip RATE.wav, 'DRAW', MORES and a/STEPS/b", "clip RATE.wav, 'DRAW', MORES and a/STEPS/b"),
        ("make room; make both match", "make room; make both match"),
    ],
)  # fmt: skip
def test_a_message_is_translated_in_whole_words(made, by_hand):
    assert with_options(made) == by_hand


@pytest.mark.parametrize(("called_by", "translated"), [("make", False), ("hand", True), (None, False)])
def test_who_called_decides(monkeypatch, called_by, translated):
    if called_by is None:
        monkeypatch.delenv(wording.CALLED_BY, raising=False)
    else:
        monkeypatch.setenv(wording.CALLED_BY, called_by)
    assert as_called("MORE= adds") == ("--more adds" if translated else "MORE= adds")


def test_every_make_variable_that_a_command_takes_is_known():
    given = set(re.findall(r"\$\$\{([A-Z_]+):[+-]", MAKEFILE)) - {"GOLDEN", "EXAMPLES", "NAME", "STAGE"}
    assert given == set(wording._VARIABLES)
