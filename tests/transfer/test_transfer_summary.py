"""The table of what borrowing costs: counted from hand-made rows of a matrix, and joined from several files."""

from pathlib import Path

import pandas as pd
import pytest

from experiments.transfer_summary import main
from schedsearch.transfer.loss_tables import by_metric, pairs, significant
from schedsearch.transfer.matrix import COLUMNS
from schedsearch.transfer.overview import overview, summary

HIGHER = {"metric": "pesq_wb", "direction": "maximize"}
OTHER, OTHER_RATE, BASELINE = "other speaker", "other speaker at another rate", "baseline"


def row(dataset, schedule, relation, loss, verdict, *, n=6, metric="spectral", direction="minimize", half=0.02):
    """A row whose judge's own winner has a mean of 4, and intervals of +- `half` of it."""
    sign = 4.0 if direction == "minimize" else -4.0
    ends = sorted((sign * (loss - half), sign * (loss + half)))
    given = {
        "dataset": dataset, "rate": 16000, "checkpoint": dataset, "iterations": n, "schedule": schedule,
        "relation": relation, "metric": metric, "direction": direction, "mean": 4.0 + sign * loss,
        "difference": sign * loss, "difference_low": ends[0], "difference_high": ends[1],
        "relative_loss": loss, "verdict": verdict, "clips": 24, "pairs": 24, "draws": 2,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS) | given


def matrix(*rows) -> pd.DataFrame:
    natives: dict[tuple[str, int], dict] = {}
    for r in rows:
        natives.setdefault((r["dataset"], r["iterations"]), r)
    own = [
        row(dataset, f"winner of {dataset}", "native", 0.0, "native", n=n, metric=r["metric"], direction=r["direction"])
        for (dataset, n), r in natives.items()
    ]
    return pd.DataFrame([*own, *rows], columns=list(COLUMNS))


def known(*rows) -> pd.DataFrame:
    """With the means that losses are parts of."""
    found = pd.DataFrame(list(rows), columns=list(COLUMNS))
    return found.assign(mean_native=4.0, significant=significant(found))


def table(text: str) -> dict[str, list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return {name: cells for name, *cells in lines}


THREE = (
    row("a", "winner of b", OTHER, 0.01, "tie"),
    row("a", "winner of c", OTHER, 0.05, "worse"),
    row("b", "winner of a", OTHER, -0.002, "tie", half=0.03),
)


def test_median_largest_and_what_is_worse_are_counted():
    told = table(summary(matrix(*THREE)))
    assert told["what a voice takes"] == ["6 steps"]
    assert told["another speaker's winner"] == ["+1.0 %, at most +5.0 %; 1 of 3 worse (Holm: 1)"]


def test_what_stays_worse_after_holms_correction_is_counted_and_marked():
    # Half-widths of 0.02: p of losses of 0.05, 0.03 and 0.022 is 2 t_23.sf(2.069 loss / 0.02) = 0.00003, 0.005, 0.032.
    three = [row("a", f"winner of {i}", OTHER, loss, "worse") for i, loss in enumerate((0.05, 0.03, 0.022))]
    ties = [row("b", f"winner of {i}", OTHER, 0.001, "tie", n=12) for i in range(3)]
    told = overview(matrix(*three, *ties), "{}")
    assert "+3.0 %, at most +5.0 %; 3 of 3 worse (Holm: 2)" in told
    assert [mark in told for mark in ("+5.0 % *", "+3.0 % *", "+2.2 % *")] == [True, True, False]


def reaches(*rows) -> list[str]:
    """Of the rows that say where intervals end, in the order of the table."""
    return [line.split("|")[2].strip() for line in summary(matrix(*rows)).splitlines() if "intervals end" in line]


def test_the_farthest_end_of_an_interval_is_told_be_it_a_tie_or_not():
    assert reaches(*THREE) == ["at most +7.0 %"]
    assert reaches(*THREE[::2]) == ["at most +3.0 %"]


def test_so_is_that_of_what_was_chosen_without_the_speaker_and_of_another_rate():
    stranger = row("a", "universal-6 without a", "universal without the speaker", 0.01, "tie", half=0.05)
    rate = row("a", "winner of a", "same speaker at another rate", 0.02, "tie", half=0.03)
    assert reaches(*THREE, stranger, rate) == ["at most +7.0 %", "at most +5.0 %", "at most +6.0 %"]


def test_what_fails_has_no_interval_to_end_anywhere():
    assert reaches(row("a", "winner of b", OTHER, float("nan"), "worse")) == []


def test_where_more_is_better_the_interval_is_read_from_its_other_end():
    assert reaches(row("a", "winner of b", OTHER, 0.01, "tie", **HIGHER)) == ["at most +3.0 %"]


def test_another_rate_is_counted_for_itself_as_well():
    told = table(summary(matrix(*THREE, row("b", "winner of d", OTHER_RATE, 0.08, "worse"))))
    assert told["another speaker's winner"] == ["+3.0 %, at most +8.0 %; 2 of 4 worse (Holm: 2)"]
    assert told["... that differs in nothing else"] == ["+1.0 %, at most +5.0 %; 1 of 3 worse (Holm: 1)"]
    assert told["... at another sample rate too"] == ["+8.0 %, at most +8.0 %; 1 of 1 worse (Holm: 1)"]


@pytest.mark.parametrize(
    ("at_6", "at_12", "said"),
    [
        ("worse", "tie", "costs at most +5.0 % at 6, +1.0 % at 12 steps; from 12 steps on no interval lies on the"),
        ("tie", "better", "from 6 steps on no interval lies on the worse side"),
        ("tie", "worse", "at 12 steps some interval still lies on the worse side"),
        ("worse", "worse", "at 12 steps some interval still lies on the worse side"),
    ],
)
def test_a_length_is_called_free_only_where_no_longer_one_costs_anything(at_6, at_12, said):
    told = overview(
        matrix(row("a", "winner of b", OTHER, 0.05, at_6), row("a", "winner of b", OTHER_RATE, 0.01, at_12, n=12)), "{}"
    )
    assert said in told


def test_a_failure_costs_everything():
    failed = row("a", "winner of b", OTHER, float("nan"), "fails more often")
    told = overview(matrix(failed), "{}")
    assert "costs at most everything at 6 steps; at 6 steps some winner still fails more often." in told


def test_too_few_clips_are_no_failure():
    few = row("a", "winner of b", OTHER, float("nan"), "")
    told = overview(matrix(few), "{}")
    assert "costs at most an unknown part (too few clips) at 6 steps." in told
    assert "fail" not in told.partition("Another speaker's winner costs")[2]
    assert table(summary(matrix(few)))["another speaker's winner"] == ["1 of too few clips, of 1"]
    assert table(pairs(known(few)))["winner of b on a/16000hz"] == ["too few clips"]


def test_the_overview_says_where_each_length_stands_and_on_how_much():
    told = overview(matrix(*THREE, row("b", "winner of a", OTHER, 0.02, "tie", n=12)), "length-{}.md").splitlines()
    assert told[-2:] == [
        "- [6 steps](length-6.md): by spectral, 2 draws of noise a clip; a/16000hz 24 clips, b/16000hz 24 clips.",
        "- [12 steps](length-12.md): by spectral, 2 draws of noise a clip; b/16000hz 24 clips.",
    ]


def test_lengths_of_different_weights_are_told_apart():
    later = [row("a", "winner of b", OTHER, 0.02, "tie", n=n) for n in (12, 25)]
    rows = matrix(*THREE, *later, row("b", "winner of a", OTHER, 0.02, "tie", n=12))
    assert "different weights" not in overview(rows, "{}")
    rows.loc[(rows["dataset"] == "a") & (rows["iterations"] > 6), "checkpoint"] = "retrained"
    assert "different weights; do not compare them: a/16000hz (6 | 12, 25 steps)." in overview(rows, "{}")


def test_lengths_of_different_metrics_are_told_apart():
    rows = matrix(*THREE, *(row("a", "winner of b", OTHER, 0.02, "tie", n=n) for n in (12, 25)))
    rows.loc[rows["iterations"] == 12, "metric"] = "pesq_wb"
    told = overview(rows, "{}")
    assert "different weights or metrics; do not compare them: a/16000hz (6, 25 | 12 steps)." in told


def test_each_metric_alone_is_counted_with_either_band_of_pesq():
    told = table(
        by_metric(known(
            *THREE,
            row("a", "winner of b", OTHER, 0.07, "worse", **HIGHER),
            row("b", "winner of a", OTHER, -0.1, "better", **HIGHER),
            row("c", "winner of a", OTHER_RATE, 0.02, "tie", metric="pesq_nb", direction="maximize"),
        ))
    )  # fmt: skip
    assert told["spectral"] == ["1 worse, 0 better of 3; at most +5.0 %"]
    assert told["pesq"] == ["1 worse, 1 better of 3; at most +7.0 %"]


def test_failures_of_a_metric_are_counted_apart():
    failed = row("a", "winner of b", OTHER, float("nan"), "fails more often")
    assert table(by_metric(known(failed, *THREE[1:])))["spectral"] == [
        "1 worse, 0 better of 3; at most +5.0 %; 1 with failures"
    ]
    assert table(by_metric(known(failed)))["spectral"] == ["0 worse, 0 better of 1; 1 with failures"]


def test_each_pair_stands_with_the_interval_of_its_loss():
    told = table(
        pairs(known(
            *THREE,
            row("a", "winner of d", OTHER, 0.0, "tie", n=12, half=0.03),
            row("c", "winner of a", "same speaker at another rate", 0.05, "worse", **HIGHER),
            row("c", "winner of b", OTHER, float("nan"), "fails more often", **HIGHER),
            row("c", "safe", BASELINE, 0.05, "worse", **HIGHER),
        ))
    )  # fmt: skip
    assert told["winner of c on a/16000hz"] == ["+5.0 % * [+3.0, +7.0]", ""]
    assert told["winner of d on a/16000hz"] == ["", "+0.0 % = [−3.0, +3.0]"]
    # Of what is better when higher, a loss is a lower value.
    assert told["winner of a on c/16000hz"] == ["+5.0 % * [+3.0, +7.0]", ""]
    assert told["winner of b on c/16000hz"] == ["failures", ""]
    assert not any("safe" in name for name in told)


def test_the_overview_holds_both_tables_and_neither_where_nothing_was_borrowed():
    told = overview(matrix(*THREE), "{}")
    assert "| another speaker's winner by |" in told
    assert "| loss by the objective |" in told
    alone = overview(matrix(row("a", "safe", BASELINE, 0.06, "worse")), "{}")
    assert "winner by |" not in alone
    assert "loss by the objective" not in alone


@pytest.mark.parametrize("name", ["1034", "NA", "null", "1e3"])
def test_a_dataset_may_be_called_what_looks_like_a_number_or_nothing(tmp_path, capsys, name):
    path = tmp_path / "matrix-6.csv"
    rows = matrix(row(name, "winner of b", OTHER, 0.05, "worse"))
    rows.to_csv(path, index=False)
    assert main([str(path)]) == 0
    assert f"winner of b on {name}/16000hz" in capsys.readouterr().out


def test_a_word_among_the_numbers_and_a_folder_without_matrices_are_one_line(tmp_path, capsys, monkeypatch):
    path = tmp_path / "matrix-6.csv"
    matrix(*THREE).astype({"mean": object}).replace({"mean": {4.2: "loud"}}).to_csv(path, index=False)
    assert main([str(path)]) == 2
    assert "must have numbers in its column mean" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    assert "there is no matrix in" in capsys.readouterr().err


def test_only_the_objective_counts():
    other = row("a", "winner of b", OTHER, 0.9, "worse", metric="lsd")
    assert summary(matrix(*THREE, other)) == summary(matrix(*THREE))


def test_a_judge_without_a_winner_of_its_own_loses_nothing():
    stranger = row("d", "winner of a", OTHER, 0.9, "")
    rows = matrix(*THREE, stranger)
    rows = rows[~((rows["dataset"] == "d") & (rows["relation"] == "native"))]
    assert summary(rows) == summary(matrix(*THREE))
    assert summary(rows[rows["dataset"] == "d"]) == ""


def test_baselines_are_told_by_the_best_of_each_and_by_the_best_at_worst():
    told = table(summary(matrix(
        row("a", "safe", BASELINE, 0.06, "worse"), row("b", "safe", BASELINE, 0.04, "worse"),
        row("a", "bold", BASELINE, 0.01, "tie"), row("b", "bold", BASELINE, 0.20, "worse"),
        row("a", "ivanvovk-6", BASELINE, 0.50, "worse"), row("b", "ivanvovk-6", BASELINE, 0.30, "worse"),
    )))  # fmt: skip
    assert told["the best baseline of each voice, known after measuring"] == ["+2.5 %, at most +4.0 %; 1 of 2 worse"]
    assert told["the baseline that is best in its worst case"] == ["safe: +5.0 %, at most +6.0 %; 2 of 2 worse"]
    assert told["ivanvovk-N"] == ["+40.0 %, at most +50.0 %; 2 of 2 worse"]


def test_failures_are_counted_and_no_baseline_with_one_is_best_at_worst():
    rows = (
        row("a", "fails", BASELINE, float("nan"), ""), row("b", "fails", BASELINE, 0.0, "tie"),
        row("a", "sound", BASELINE, 0.3, "worse"), row("b", "sound", BASELINE, 0.3, "worse"),
        row("a", "winner of b", OTHER, float("nan"), "fails more often"),
        row("b", "winner of a", OTHER, 0.1, "worse"),
    )  # fmt: skip
    told = table(summary(matrix(*rows)))
    assert told["another speaker's winner"] == ["1 with failures, of 2"]
    assert told["the baseline that is best in its worst case"][0].startswith("sound")


def test_lengths_stand_side_by_side_and_what_one_lacks_is_empty():
    told = table(summary(matrix(*THREE, row("a", "winner of b", "same speaker at another rate", 0.02, "tie", n=12))))
    assert told["what a voice takes"] == ["6 steps", "12 steps"]
    assert told["another speaker's winner"][1] == ""
    assert told["the same speaker's winner at another rate"] == ["", "+2.0 %, at most +2.0 %; 0 of 1 worse"]


def test_transfers_made_one_by_one_are_joined(tmp_path: Path, capsys):
    paths = [tmp_path / "6.csv", tmp_path / "12.csv"]
    matrix(*THREE).to_csv(paths[0], index=False)
    matrix(row("a", "winner of b", OTHER, 0.02, "tie", n=12)).to_csv(paths[1], index=False)
    assert main([str(path) for path in paths]) == 0
    told = capsys.readouterr().out
    assert table(told)["another speaker's winner"] == [
        "+1.0 %, at most +5.0 %; 1 of 3 worse (Holm: 1)",
        "+2.0 %, at most +2.0 %; 0 of 1 worse",
    ]


@pytest.mark.parametrize("content", [None, "a,b\n1\n1,2,3,4\n", "dataset,rate\na,1\n"])
def test_what_is_no_matrix_is_one_line(tmp_path: Path, capsys, content):
    path = tmp_path / "matrix-6.csv"
    if content is not None:
        path.write_text(content)
    assert main([str(path)]) == 2
    told = capsys.readouterr().err
    assert str(path) in told
    assert len(told.splitlines()) == 1


def test_one_length_measured_twice_is_not_joined(tmp_path: Path, capsys):
    for name in ("one.csv", "two.csv"):
        matrix(*THREE).to_csv(tmp_path / name, index=False)
    assert main([str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]) == 2
    assert " in 6 steps; give one" in capsys.readouterr().err


def test_the_shipped_tables_make_what_is_shipped(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert table(told)["what a voice takes"][:3] == ["6 steps", "12 steps", "25 steps"]
    assert told == Path("results/shipped/transfer/transfer.md").read_text()
