"""Two measurements of one transfer: how far their losses lie apart, of hand-made matrices."""

from pathlib import Path

import pandas as pd
import pytest

from experiments.transfer_spread import main
from schedsearch.transfer.matrix import COLUMNS

OTHER, BASELINE = "other speaker", "baseline"


def row(dataset: str, schedule: str, relation: str, loss: float, verdict: str, **changed: object) -> dict[str, object]:
    given = {
        "dataset": dataset, "rate": 16000, "checkpoint": dataset, "iterations": 6, "schedule": schedule,
        "relation": relation, "metric": "spectral", "direction": "minimize", "mean": 4.0 * (1 + loss),
        "relative_loss": loss, "verdict": verdict, "first_log_snr": 13.0, "terminal_log_snr": -1.0,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS) | given | changed


def matrix(path: Path, *rows: dict[str, object]) -> str:
    own = [row(name, f"winner of {name}", "native", 0.0, "native") for name in ("a", "b")]
    pd.DataFrame([*own, *rows], columns=list(COLUMNS)).to_csv(path, index=False)
    return str(path)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_losses_that_moved_and_pairs_that_turned_are_counted_kind_by_kind(tmp_path: Path, capsys) -> None:
    one = matrix(
        tmp_path / "one.csv",
        row("a", "winner of b", OTHER, 0.01, "tie"), row("b", "winner of a", OTHER, 0.05, "worse"),
        row("a", "safe", BASELINE, 0.3, "worse"),
    )  # fmt: skip
    other = matrix(
        tmp_path / "other.csv",
        row("a", "winner of b", OTHER, 0.02, "tie"), row("b", "winner of a", OTHER, 0.02, "tie"),
        row("a", "safe", BASELINE, 0.25, "worse"),
    )  # fmt: skip
    assert main([one, other]) == 0
    assert cells(capsys.readouterr().out) == [
        ["another speaker's winner", "6", "2", "2.0", "3.0", "+5.0 %", "+2.0 %", "1 of 2"],
        ["published schedules and formulas", "6", "1", "5.0", "5.0", "+30.0 %", "+25.0 %", "0 of 1"],
    ]


def test_what_failed_in_one_of_them_has_no_loss_to_move(tmp_path: Path, capsys) -> None:
    rows = (row("a", "winner of b", OTHER, 0.01, "tie"), row("b", "winner of a", OTHER, 0.05, "worse"))
    failed = (rows[0], row("b", "winner of a", OTHER, float("nan"), "worse"))
    assert main([matrix(tmp_path / "one.csv", *rows), matrix(tmp_path / "other.csv", *failed)]) == 0
    assert cells(capsys.readouterr().out)[0][2] == "1"


def test_other_winners_of_the_same_name_are_not_compared(tmp_path: Path, capsys) -> None:
    one = matrix(tmp_path / "one.csv", row("a", "winner of b", OTHER, 0.01, "tie"))
    other = matrix(tmp_path / "other.csv", row("a", "winner of b", OTHER, 0.01, "tie", terminal_log_snr=-2.0))
    assert main([one, other]) == 2
    assert "share no row; give two of one length" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "a,b\n1,2\n"])
def test_what_is_no_matrix_is_one_line(tmp_path: Path, capsys, content: str | None) -> None:
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_text(content)
    assert main([matrix(tmp_path / "one.csv"), str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
