"""All voices side by side: read from each voice's table and learning curve."""

from pathlib import Path

import pytest

from experiments.voices_table import main

SCORES = """method,checkpoint,spectral_mean,log_mel_l1_mean,pesq_wb_mean,stoi_mean,lsd_mean,level_mean,clips
Griffin-Lim 32,x,0.4,0.25,3.2,0.98,7.5,-0.05,24
ivanvovk-6,x,1.9,2.0,1.6,0.91,9.5,-2.1,24
1000 steps,x,1.1,0.8,2.6,0.95,7.8,-0.8,6
"""
SHIPS = """"6 steps, as shipped",x,1.6,1.4,2.1,0.93,9.2,-1.9,24
"""
LEARNED = """step,hours,error -5,error +13,error mean
500,0.1,0.02,0.7,0.3
26000,2.5,0.009,0.58,0.2
"""


@pytest.fixture
def voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the tables of one voice; returns its voice.csv."""
    monkeypatch.chdir(tmp_path)
    table, curve = (Path(top) / "demo/16000hz" / name
                    for top, name in (("results/shipped", "voice.csv"), ("experiments", "learning.csv")))  # fmt: skip
    for path, text in ((table, SCORES + SHIPS), (curve, LEARNED)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return table


def page() -> str:
    assert main([]) == 0
    return Path("results/shipped/voices.md").read_text()


def test_scores_training_and_errors_stand_there(voice):
    written = page()
    assert "| demo/16000hz | Griffin-Lim 32 | 0.400 | 3.200 | 0.980 | 0.250 | 7.500 | -0.050 |" in written
    assert "| demo/16000hz | 26,000 | 2.5 | 0.0090 | 0.5800 | 0.2000 |" in written  # the last step's


def test_the_share_is_of_the_way_from_the_published_schedule_to_1000_steps(voice):
    # spectral - PESQ: (-0.5 - 0.3) / (-1.5 - 0.3); PESQ: (2.1 - 1.6) / (2.6 - 1.6)
    assert "| demo/16000hz | 44 % | 50 % |" in page()


def test_where_a_row_is_missing_there_is_no_share(voice):
    voice.write_text(SCORES)
    assert "| demo/16000hz |  |  |" in page()


def test_without_any_table_one_line_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    assert "experiments.voice_table" in capsys.readouterr().err
