"""The tables of what searches found: of hand-made run.json files, and of those that are shipped."""

import json
from pathlib import Path

import pytest

from experiments.shipped_searches import SHIPPED, main
from schedsearch.report.result import read_result
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.schedules.formulas import log_snr_line


def score(mean: float, se: float = 0.05) -> dict:
    return {"mean": mean, "se": se, "clips": 24, "draws": 1, "failures": 0}


def row(metric: str, winner: float, baseline: float, half: float = 0.1) -> dict:
    gap = winner - baseline
    difference = {"mean": gap, "low": gap - half, "high": gap + half}
    return {"metric": metric, "winner": score(winner), "baseline": score(baseline), "difference": difference}


def run(root: Path, place: str, *rows: dict, improves: bool = True) -> None:
    folder = root / place
    folder.mkdir(parents=True)
    facts = {
        "dataset": "x", "name": "trial 7", "baseline": "fastdiff-6", "improves_on_baseline": improves,
        "objective": rows[0]["metric"], "held_out": rows, "candidates": 3,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "trials.csv").write_text("kind,seconds\nbaseline,600\nline,60\ntpe,150\ntpe,30\n")
    write_schedule(log_snr_line(3, 9.0, -3.0), folder / "schedule.json", layout=Layout.JSON, provenance={})


def tables(text: str) -> list[list[list[str]]]:
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        for block in text.strip().split("\n\n")
    ]


def test_a_row_a_voice_and_a_column_a_length(tmp_path: Path, capsys):
    run(tmp_path, "a/16000hz/12iters", row("spectral", 1.0, 1.5), row("pesq_wb", 2.5, 2.25))
    run(tmp_path, "a/16000hz/6iters", row("spectral", 2.0, 2.25))
    run(tmp_path, "a/8000hz/6iters", row("spectral", 3.0, 2.9), row("pesq_nb", 3.5, 3.75), improves=False)
    assert main([str(tmp_path)]) == 0
    overview, *_ = tables(capsys.readouterr().out)
    assert overview[0][1:] == ["6 steps", "12 steps"]
    assert overview[2] == [
        "a, 16 kHz",
        "2.00 ± 0.05 (−0.25 [−0.35, −0.15])",
        "1.00 ± 0.05, PESQ 2.50 (−0.50 [−0.60, −0.40])",
    ]
    # What ships is scored, and that is the baseline here.
    assert overview[3] == ["a, 8 kHz", "2.90 ± 0.05, PESQ 3.75 (+0.10 [+0.00, +0.20], fastdiff-6 ships)", ""]


def test_the_second_table_has_every_search_in_every_metric(tmp_path: Path, capsys):
    run(tmp_path, "a/16000hz/12iters", row("spectral", 1.0, 1.5), row("pesq_wb", 2.5, 2.25))
    run(tmp_path, "a/16000hz/6iters", row("log_mel_l1", 2.0, 2.25), improves=False)
    assert main([str(tmp_path)]) == 0
    head, _, *rows = tables(capsys.readouterr().out)[1]
    assert head == ["voice", "steps", "best baseline", "objective", "spectral", "log_mel_l1", "pesq", "stoi"]
    assert rows[0][:4] == ["a, 16 kHz", "6", "fastdiff-6, which ships", "−0.250 [−0.350, −0.150]"]
    assert rows[0][4:] == ["", "−0.250 [−0.350, −0.150]", "", ""]
    assert rows[1][6] == "+0.250 [+0.150, +0.350]"


def test_the_third_table_counts_candidates_and_their_minutes(tmp_path: Path, capsys):
    run(tmp_path, "a/16000hz/12iters", row("spectral", 1.0, 1.5))
    run(tmp_path, "b/16000hz/6iters", row("spectral", 2.0, 2.25))
    assert main([str(tmp_path)]) == 0
    head, _, *rows = tables(capsys.readouterr().out)[2]
    assert head == ["candidates", "6 steps", "12 steps"]
    assert rows == [["a, 16 kHz", "", "3 in 4 min"], ["b, 16 kHz", "3 in 4 min", ""]]
    (tmp_path / "b/16000hz/6iters/trials.csv").unlink()
    assert main([str(tmp_path)]) == 0
    assert tables(capsys.readouterr().out)[2][3][1] == "3"


def test_too_few_clips_to_compare_are_said(tmp_path: Path, capsys):
    run(tmp_path, "a/16000hz/6iters", row("spectral", 2.0, 2.25) | {"difference": None})
    assert main([str(tmp_path)]) == 0
    assert "(too few clips)" in capsys.readouterr().out


def test_a_mean_of_a_failed_clip_is_called_failed(tmp_path: Path, capsys):
    failed = {"mean": None, "se": None, "clips": 24, "draws": 1, "failures": 1}
    searched = [row("spectral", 2.0, 2.25), row("pesq_wb", 2.5, 2.25) | {"winner": failed}]
    run(tmp_path, "a/16000hz/6iters", *searched)
    run(tmp_path, "b/16000hz/6iters", row("spectral", 2.0, 2.25) | {"winner": failed})
    assert main([str(tmp_path)]) == 0
    _, _, first, second = tables(capsys.readouterr().out)[0]
    assert first[1] == "2.00 ± 0.05, PESQ failed (−0.25 [−0.35, −0.15])"
    assert second[1] == "failed (−0.25 [−0.35, −0.15])"


def test_a_mean_of_one_clip_stands_without_a_standard_error(tmp_path: Path, capsys):
    alone = row("spectral", 2.0, 2.25) | {"difference": None}
    alone["winner"] |= {"se": None, "clips": 1}
    run(tmp_path, "a/16000hz/6iters", alone)
    assert main([str(tmp_path)]) == 0
    assert tables(capsys.readouterr().out)[0][2][1] == "2.00 (too few clips)"


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_nothing_to_read_is_one_line(tmp_path: Path, capsys, content):
    if content is not None:
        run(tmp_path, "a/16000hz/6iters", row("spectral", 2.0, 2.25))
        (tmp_path / "a/16000hz/6iters/run.json").write_text(content)
    assert main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path) in told
    assert len(told.splitlines()) == 1


def test_the_shipped_ones_are_all_there(capsys):
    assert main([]) == 0
    _, found, _ = tables(capsys.readouterr().out)
    folders = [path.parent for path in SHIPPED.glob("*/*hz/*iters/run.json")]
    assert len(found) == 2 + len(folders)
    means = {f"{read_result(folder).verdict['difference']['mean']:+.3f}".replace("-", "−") for folder in folders}
    assert means == {line[3].split()[0] for line in found[2:]}
