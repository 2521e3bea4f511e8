"""What excerpts say of a loss beside what whole clips say: of a hand-made search and matrix, and of what is shipped."""

import json
from pathlib import Path

import pandas as pd

from experiments.whole_clips import main
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.transfer.matrix import COLUMNS


def search(root: Path, steps: int, winner: float, baseline: float, *, improves: bool = True) -> None:
    folder = root / "a" / "16000hz" / f"{steps}iters"
    folder.mkdir(parents=True)
    gap = winner - baseline
    row = {
        "metric": "spectral", "winner": {"mean": winner}, "baseline": {"mean": baseline},
        "difference": {"mean": gap, "low": gap - 0.1, "high": gap + 0.1},
    }  # fmt: skip
    facts = {
        "dataset": "a", "sample_rate": 16000, "name": "trial 7", "baseline": "fastdiff-6",
        "improves_on_baseline": improves, "objective": "spectral", "held_out": [row],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))
    write_schedule(log_snr_line(3, 9.0, -3.0), folder / "schedule.json", layout=Layout.JSON, provenance={})


def transfer(root: Path, steps: int, loss: float, **changed: object) -> None:
    row = {
        "dataset": "a", "rate": 16000, "checkpoint": "c", "iterations": steps, "schedule": "fastdiff-6",
        "metric": "spectral", "relative_loss": loss,
    }  # fmt: skip
    (root / "transfer").mkdir(exist_ok=True)
    rows = [dict.fromkeys(COLUMNS) | row | changed]
    pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(root / "transfer" / f"matrix-{steps}.csv", index=False)


def test_both_losses_stand_side_by_side_and_their_distance_is_summed_up(tmp_path: Path, capsys) -> None:
    search(tmp_path, 6, 2.0, 2.2)  # 10 % worse
    transfer(tmp_path, 6, 0.07)
    search(tmp_path, 12, 2.0, 2.1)  # 5 %
    transfer(tmp_path, 12, 0.06)
    assert main([str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "| a, 16 kHz | 6 | fastdiff-6 | +7.0 % | +10.0 % |" in told
    assert "| a, 16 kHz | 12 | fastdiff-6 | +6.0 % | +5.0 % |" in told
    assert "move by 2.0 points on average of 2, 3.0 at most" in told


def test_what_was_not_heard_both_ways_is_left_out(tmp_path: Path, capsys) -> None:
    search(tmp_path, 6, 2.0, 2.2)
    transfer(tmp_path, 6, 0.07, schedule="diffwave-6")
    search(tmp_path, 12, 2.2, 2.1, improves=False)  # the baseline ships: it loses nothing beside itself
    transfer(tmp_path, 12, 0.0)
    assert main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "was heard both ways; give another folder" in told
    assert len(told.splitlines()) == 1


def test_a_damaged_matrix_is_one_line(tmp_path: Path, capsys) -> None:
    search(tmp_path, 6, 2.0, 2.2)
    (tmp_path / "transfer").mkdir()
    (tmp_path / "transfer" / "matrix-6.csv").write_text("a,b\n1,2\n")
    assert main([str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_shipped_searches_were_heard_both_ways(capsys) -> None:
    assert main([]) == 0
    assert "demo, 16 kHz | 6 | diffwave-6" in capsys.readouterr().out
