"""Where searching pays: what is compared, what counts as a gain, and what the page says of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from experiments.reproduce.paying import BEST, OWN, paying, write_paying
from experiments.reproduce.strangers import TABLE
from experiments.shipped_searches import Search
from experiments.voice_table import LONGEST, PUBLISHED
from experiments.voices_table import Tables
from schedsearch.metrics.perceptual import BEST as BEST_PESQ
from schedsearch.report.result import Result
from schedsearch.transfer.matrix import COLUMNS
from schedsearch.transfer.relations import BASELINE, NATIVE, STRANGERS, UNIVERSAL
from vocoder.errors import InputError

OBJECTIVE = {"metric": "spectral_pesq_wb", "direction": "minimize"}


def row(dataset: str, schedule: str, relation: str, mean: float, half: float = 0.1, **facts: Any) -> dict[str, Any]:
    """A schedule's row beside an own winner of 4.0, with an interval of +- `half`."""
    given = {
        "dataset": dataset, "rate": 16000, "checkpoint": "now", "iterations": 6, "schedule": schedule,
        "relation": relation, "source": "published", **OBJECTIVE, "mean": mean, "pairs": 24,
        "difference": mean - 4, "difference_low": mean - 4 - half, "difference_high": mean - 4 + half,
        "relative_loss": (mean - 4) / 4, **facts,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS, "") | {"clips": 24, "draws": 2} | given


def rows_of(dataset: str, universal: float, *, half: float = 0.1, **facts: Any) -> list[dict[str, Any]]:
    return [
        row(dataset, f"winner of {dataset}", NATIVE, 4.0, half=0.0, **facts),
        row(dataset, "universal-6 without it", STRANGERS, universal, half=half, **facts),
        row(dataset, "universal-6", "universal", 1.0, **facts),
        row(dataset, PUBLISHED, BASELINE, 5.0, **facts),
        row(dataset, "fastdiff-6", BASELINE, 4.5, **facts),
        row(dataset, "linear", BASELINE, 4.1, **{"source": "formula or resampled"} | facts),
    ]


def voice(dataset: str) -> Tables:
    """Its 1000 steps score 3.0, and its published schedule another score than on the clips of the matrix."""
    scores = {PUBLISHED: {"spectral": 9.0, "pesq": 1.0}, LONGEST: {"spectral": 5.5 - BEST_PESQ["wb"], "pesq": 2.5}}
    return Tables(f"{dataset}/16000hz", "now", scores, pd.Series())


def table(*rows: dict[str, Any], searches: list[Search] | None = None) -> pd.DataFrame:
    matrix = pd.DataFrame(rows, columns=list(COLUMNS))
    voices = [voice(str(name)) for name in matrix["dataset"].unique()]
    return paying(matrix, voices, searches or []).set_index(["dataset", "choice"])


def test_universal_own_and_best_published_stand_side_by_side():
    found = table(*rows_of("a", 4.2))
    assert dict(found.loc["a"]["schedule"]) == {
        UNIVERSAL: "universal-6 without it", OWN: "winner of a", BEST: "fastdiff-6"
    }  # fmt: skip
    assert found.loc[("a", UNIVERSAL), "relative_loss"] == pytest.approx(0.05)


def test_the_gap_goes_from_the_published_schedule_to_1000_steps():
    found = table(*rows_of("a", 4.2))["closed"]
    assert found[("a", OWN)] == pytest.approx(0.5)
    assert found[("a", BEST)] == pytest.approx(0.25)
    assert table(*rows_of("a", 4.2, metric="spectral"))["closed"].isna().all()  # another objective


def test_other_metrics_are_those_of_the_same_schedule():
    heard = row("a", "fastdiff-6", BASELINE, 2.5, metric="pesq_wb", direction="maximize")
    found = table(*rows_of("a", 4.2), heard)["pesq_wb"]
    assert found[("a", BEST)] == 2.5
    assert found[("a", OWN)] != found[("a", OWN)]  # NaN


@pytest.mark.parametrize(("weights", "took"), [("now", 3.0), ("earlier", None)])
def test_minutes_are_those_of_the_search_of_these_weights(tmp_path, weights, took):
    (tmp_path / "trials.csv").touch()
    trials = pd.DataFrame({"kind": ["baseline", "tpe", "tpe"], "seconds": [600.0, 60.0, 120.0]})
    facts = {"dataset": "a", "sample_rate": 16000, "checkpoint_hash": weights}
    result = cast(Result, SimpleNamespace(facts=facts, trials=trials, folder=tmp_path))
    found = table(*rows_of("a", 4.2), searches=[Search("a", 6, result)])["minutes"]
    assert list(found.dropna()) == ([took] if took else [])
    assert took is None or found[("a", OWN)] == took


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of the voices "a" and "b" of today's weights, and no matrix."""
    monkeypatch.chdir(tmp_path)
    for dataset in ("a", "b"):
        scores, curve = (Path(top) / dataset / "16000hz" for top in ("results/shipped", "experiments"))
        for folder in (scores, curve):
            folder.mkdir(parents=True)
        (curve / "learning.csv").write_text("step,hours\n500,0.1\n")
        names = ("spectral", "pesq_wb", "stoi", "log_mel_l1", "lsd", "level")
        head = ",".join(["method", "checkpoint", *(f"{name}_mean" for name in names)])
        (scores / "voice.csv").write_text(f"{head}\n{PUBLISHED},now,6,1,0,0,0,0\n{LONGEST},now,5.5,2.5,0,0,0,0\n")
    return Path("results/shipped")


def page(shipped: Path, *rows: dict[str, Any]) -> str:
    folder = shipped / "transfer"
    folder.mkdir(exist_ok=True)
    for n, of_length in pd.DataFrame(rows, columns=list(COLUMNS)).groupby("iterations"):
        of_length.to_csv(folder / f"matrix-{n}.csv", index=False)
    write_paying(shipped)
    return (shipped / "where_searching_pays.md").read_text()


def test_the_page_has_means_over_voices_with_their_spread_and_number(shipped):
    text = page(shipped, *rows_of("a", 4.2), *rows_of("b", 4.4))
    assert "| 6 | universal | 4.30 ± 0.14 (2) | 7.5 % ± 3.5 % (2) |" in text
    assert "better on 2 and worse on 0 of 2 voices than the universal schedule" in text
    assert "costs +7.5 % in the mean (mean of the intervals' ends: +5.0 %, +10.0 %); no voice's interval ends" in text
    assert "ends above +12.5 %" in text
    assert "take universal" not in text


def test_where_own_search_gains_nothing_the_page_says_so_for_that_length_alone(shipped):
    gains = [line for name in "ab" for line in rows_of(name, 4.4)]
    ties = [line for name in "ab" for line in rows_of(name, 4.05, iterations=12)]
    lines = page(shipped, *gains, *ties).splitlines()
    assert ["take universal-12" in line for line in lines if line.startswith("- ")] == [False, True]


@pytest.mark.parametrize(("significant", "difference"), [(True, -0.1), (False, -0.1), (True, 0.1)])
def test_a_search_that_knew_the_universal_schedule_and_gained_is_a_reason_to_search(shipped, significant, difference):
    row = {"iterations": 6, "significant": significant, "difference": difference, "relative": difference / 4}
    pd.DataFrame([row]).to_csv(shipped / TABLE, index=False)
    text = page(shipped, *(row for n in (6, 12) for name in "ab" for row in rows_of(name, 4.0, iterations=n)))
    gains = significant and difference < 0
    percent = {-0.1: "−2.5 %", 0.1: "+2.5 %"}[difference]
    assert f"is better on {int(gains)} of 1 voices than the best of these: {percent} of the score" in text
    assert ("take universal-6" in text) == (not gains)
    assert "take universal-12" in text


def test_a_gain_counts_only_if_it_stands_after_holms_correction(shipped):
    # An interval ends just above zero: p is below 0.05 for it, above 0.05 / 2 for both.
    assert "take universal-6" in page(shipped, *rows_of("a", 4.101), *rows_of("b", 4.0))


def test_voices_that_all_gain_a_little_are_a_gain_though_none_stands_alone(shipped):
    text = page(shipped, *rows_of("a", 4.101), *rows_of("b", 4.101))
    assert "better on 0 and worse on 0 of 2 voices than the universal schedule" in text
    assert "take universal" not in text


def test_a_universal_schedule_that_fails_more_often_is_not_to_be_taken(shipped):
    failing = [row | {"relative_loss": ""} if row["relation"] == STRANGERS else row for row in rows_of("b", 4.0)]
    text = page(shipped, *rows_of("a", 4.0), *failing)
    assert "The universal schedule fails more often on 1 of 2 voices." in text
    assert "take universal" not in text


def test_without_a_choice_without_the_speaker_nothing_is_said_to_be_taken(shipped):
    rows = [row for name in "ab" for row in rows_of(name, 4.0) if row["relation"] != STRANGERS]
    text = page(shipped, *rows)
    assert "No universal schedule was chosen without the judging speaker." in text
    assert "nan" not in text


def test_an_earlier_universal_schedule_that_keeps_its_name_is_the_one_to_stand_there(shipped):
    (shipped / "transfer").mkdir()
    (shipped / "transfer" / "universal-renewal.csv").write_text("iterations,ships\n6,earlier\n")
    text = page(shipped, *rows_of("a", 4.2), *rows_of("b", 4.4))
    assert "| 6 | universal | 1.00" in text


def test_narrow_band_has_no_part_in_the_mean_of_the_objective(shipped):
    narrow = [row | {"metric": "spectral_pesq_nb"} for row in rows_of("b", 4.4)]
    assert "| 6 | universal | 4.20 (1) | 7.5 % ± 3.5 % (2) |" in page(shipped, *rows_of("a", 4.2), *narrow)


def test_what_earlier_weights_said_is_left_out(shipped):
    now = [row for name in "ab" for row in rows_of(name, 4.2)]
    earlier = [row for name in "ab" for row in rows_of(name, 4.4, checkpoint="earlier", iterations=12)]
    assert "| 12 |" not in page(shipped, *now, *earlier)
    (shipped / "transfer" / "matrix-6.csv").unlink()
    with pytest.raises(InputError, match="run the stages voices and transfer"):
        page(shipped, *earlier)


def test_a_table_of_fewer_voices_takes_the_place_of_none(shipped):
    """One voice has weights that were not judged: means over the others would be of other voices than before."""
    text = page(shipped, *rows_of("a", 4.2), *rows_of("b", 4.2))
    with pytest.raises(InputError, match="a table of 6 steps must have every voice, and b/16000hz did not judge them"):
        page(shipped, *rows_of("a", 4.2), *rows_of("b", 4.4, checkpoint="earlier"))
    assert (shipped / "where_searching_pays.md").read_text() == text
