"""Laws of a comparison: what stands in comparison.csv, what is kept, and what never mixes."""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import AnalyticVocoder, BrokenVocoder, Toy, files_below, interrupt_at, noise_clip, stand_in, use_vocoder

from schedsearch.cli import main
from schedsearch.comparison import scoring
from schedsearch.comparison.entrants import lengths_with_winners
from schedsearch.comparison.text import WIDTH
from schedsearch.report.pictures.compared import BASELINE, GIVEN, SEARCHED, compared
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.writing import write_comparison_picture
from schedsearch.schedules import baselines as baselines_module
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice import opened
from schedsearch.voice.services import current, using
from vocoder.audio.reading import write_wav
from vocoder.vocoder import in_precision

MINE = log_snr_line(6, 10.0, -4.0)
CLIPS, TIMED = 3, 1 + 5 * 6  # held-out clips; network calls of timing six iterations


@pytest.fixture(autouse=True)
def _analytic(toy: Toy):
    """The toy's vocoder, and a third held-out clip."""
    write_wav(toy.root / "held_out" / "third.wav", noise_clip("third", 5120, 0.1, seed=9).audio, 16000)


@pytest.fixture
def mine(toy: Toy) -> Path:
    path = toy.root / "mine.npy"
    write_schedule(MINE, path)
    return path


def compare(toy: Toy, *options: str, metrics: str = "lsd level") -> int:
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    return main(["compare", "--dataset", "toy", "--objective", "spectral", *places, "--metrics", metrics, *options])


def folder(toy: Toy) -> Path:
    return toy.root / "results" / "toy" / "16000hz"


def rows(toy: Toy, **values: object) -> list[dict[str, str]]:
    """Of comparison.csv, those with these values."""
    with (folder(toy) / "comparison.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    return [row for row in found if all(row[name] == str(value) for name, value in values.items())]


def calls(toy: Toy) -> int:
    return sum(toy.vocoder.rows)


def ship(toy: Toy, place: str, schedule: NoiseSchedule, **provenance: str) -> Path:
    """As a search leaves its winner."""
    path = toy.root / "results" / place / f"{len(schedule)}iters" / "schedule.json"
    path.parent.mkdir(parents=True)
    write_schedule(schedule, path, layout=Layout.JSON, provenance=provenance)
    return path


# --- what stands in the table ---------------------------------------------------------------------


def test_the_columns_keep_their_names_and_order(toy):
    # Programs of users read them: a change of this list is a change of the format.
    assert compare(toy, "--iters", "6") == 0
    assert list(rows(toy)[0]) == [
        "dataset", "rate", "checkpoint", "precision", "iterations", "schedule", "kind", "source",
        "metric", "unit", "direction",
        "mean", "standard_error", "low", "high", "clips", "draws", "failures", "failure_rate",
        "objective", "rival", "difference", "difference_low", "difference_high", "pairs", "verdict",
        "real_time_factor", "real_time_factor_low", "real_time_factor_high", "timing_rounds", "machine",
        "network_evaluations_per_audio_second", "network_evaluations_per_second", "terminal_log_snr", "sigma_1",
        "digest", "failure_reason",
    ]  # fmt: skip


def test_the_columns_that_the_list_of_metrics_names_are_there(toy, capsys):
    assert compare(toy, "--iters", "6") == 0
    capsys.readouterr()
    assert main(["metrics", "--json"]) == 0
    named = {column["name"] for column in json.loads(capsys.readouterr().out)["compare_columns"]}
    assert named <= set(rows(toy)[0])


def test_scores_are_of_the_faster_precision_unless_one_is_asked_for_and_speed_is_float32s(toy, request):
    stand_in(request, fastest=lambda vocoder: in_precision(vocoder, torch.bfloat16))
    speeds = set()
    for options, precision in (((), "bfloat16"), (("--precision", "float32"), "float32")):
        assert compare(toy, "--iters", "6", *options) == 0
        assert {row["precision"] for row in rows(toy)} == {precision}
        speeds |= {(row["real_time_factor"], row["timing_rounds"]) for row in rows(toy)}
    assert len(speeds) == 1  # measured once, and kept


def test_every_schedule_has_a_row_for_every_metric(toy, mine):
    compare(toy, "--iters", "6 3", "--schedules", str(mine))
    for length, names in ((3, list(baselines(3))), (6, [*baselines(6), "mine.npy"])):
        found = [(row["schedule"], row["metric"]) for row in rows(toy, iterations=length)]
        assert sorted(found) == sorted((n, m) for n in names for m in ("spectral", "lsd", "level"))
    assert [row["kind"] for row in rows(toy, schedule="mine.npy")] == ["given"] * 3


def test_rows_stand_by_length_then_best_first_and_the_objective_before_other_metrics(toy, mine):
    compare(toy, "--iters", "6 3", "--schedules", str(mine))
    assert [row["iterations"] for row in rows(toy)] == sorted(row["iterations"] for row in rows(toy))
    for length in (3, 6):
        means = [float(row["mean"]) for row in rows(toy, iterations=length, metric="spectral")]
        assert means == sorted(means)
    assert [row["metric"] for row in rows(toy)[:3]] == ["spectral", "lsd", "level"]


def test_pandas_reads_numbers_as_numbers(toy, mine):
    compare(toy, "--iters", "6", "--schedules", str(mine))
    found = pd.read_csv(folder(toy) / "comparison.csv")
    texts = {"dataset", "checkpoint", "precision", "schedule", "kind", "source", "metric", "unit", "direction"}
    texts |= {"objective", "rival", "verdict", "machine", "digest"}
    assert {name for name in found if not pd.api.types.is_numeric_dtype(found[name])} == texts
    assert found["mean"].notna().all()


def test_facts_of_a_schedule_are_its_own(toy, mine):
    compare(toy, "--schedules", str(mine))
    row = rows(toy, schedule="mine.npy", metric="lsd")[0]
    assert float(row["terminal_log_snr"]) == pytest.approx(-4.0)
    assert row["digest"] == MINE.digest
    # log-SNR 10 at the cleanest step: 1 - a = 1 / (1 + e^10)
    assert float(row["sigma_1"]) == pytest.approx((1 / (1 + np.exp(10.0))) ** 0.5)
    seconds = (6400 + 7040 + 5120) / 16000
    assert float(row["network_evaluations_per_audio_second"]) == pytest.approx(6 * CLIPS / seconds)
    assert (row["direction"], row["unit"], row["clips"], row["draws"]) == ("minimize", "dB", "3", "1")


def test_equal_lengths_share_one_measurement_of_speed(toy):
    compare(toy, "--iters", "6 3")
    assert {length: len({row["real_time_factor"] for row in rows(toy, iterations=length)}) for length in (3, 6)} == {
        3: 1,
        6: 1,
    }
    assert calls(toy) == 2 + 5 * (6 + 3) + CLIPS * (6 * len(baselines(6)) + 3 * len(baselines(3)))


def test_the_rival_is_the_best_baseline_of_the_same_length_and_ties_with_itself(toy, mine):
    compare(toy, "--iters", "6 3", "--schedules", str(mine))
    for length in (3, 6):
        best = rows(toy, iterations=length, kind="baseline", metric="spectral")[0]["schedule"]
        assert {row["rival"] for row in rows(toy, iterations=length)} == {best}
        for row in rows(toy, iterations=length, schedule=best):
            assert [float(row[name]) for name in ("difference", "difference_low", "difference_high")] == [0, 0, 0]
            assert row["verdict"] == "tie"


def test_a_copy_of_the_rival_ties_with_it_at_a_difference_of_zero(toy):
    compare(toy, "--iters", "6")
    rival = rows(toy)[0]["rival"]
    write_schedule(baselines(6)[rival], toy.root / "copy.json")
    compare(toy, "--schedules", str(toy.root / "copy.json"))
    found = rows(toy, schedule="copy.json")
    assert [(row["difference"], row["verdict"], row["pairs"]) for row in found] == [("0", "tie", "3")] * 3


def test_differences_are_of_means_and_a_settled_one_is_called_better_or_worse(toy):
    compare(toy, "--iters", "6")
    for row in rows(toy):
        [rival] = rows(toy, schedule=row["rival"], metric=row["metric"])
        assert float(row["difference"]) == pytest.approx(float(row["mean"]) - float(rival["mean"]), abs=1e-5)
        low, high = float(row["difference_low"]), float(row["difference_high"])
        side = {"minimize": ("better", "worse"), "neither": ("lower", "higher")}[row["direction"]]
        assert row["verdict"] == (side[0] if high < 0 else side[1] if low > 0 else "tie")
    assert {row["verdict"] for row in rows(toy, metric="spectral")} >= {"worse", "tie"}


def test_the_objective_chooses_the_rival_and_stands_first(toy):
    compare(toy, "--iters", "6", "--objective", "lsd", metrics="log_mel_l1")
    assert [row["metric"] for row in rows(toy)[:2]] == ["lsd", "log_mel_l1"]
    means = {row["schedule"]: float(row["mean"]) for row in rows(toy, metric="lsd")}
    assert {row["rival"] for row in rows(toy)} == {min(means, key=lambda name: means[name])}
    assert {row["objective"] for row in rows(toy)} == {"lsd"}


def test_more_draws_are_no_more_clips(toy):
    compare(toy, "--iters", "6", "--draws", "3")
    assert {(row["clips"], row["draws"]) for row in rows(toy)} == {("3", "3")}


# --- who takes part -------------------------------------------------------------------------------


def test_winners_of_searches_and_shipped_ones_take_part(toy):
    own = ship(toy, "toy/16000hz", MINE, objective="spectral", kind="trial", name="trial 3")
    shipped = ship(toy, "shipped/toy/16000hz", log_snr_line(6, 9.0, -3.0), objective="pesq_wb", kind="trial")
    compare(toy, "--iters", "6")
    found = {row["source"]: row["schedule"] for row in rows(toy, kind="searched")}
    assert found == {str(own): "searched for spectral", str(shipped): "shipped for pesq_wb"}


def test_a_winner_that_is_a_baseline_says_so(toy):
    ship(toy, "toy/16000hz", published("ivanvovk-6"), objective="spectral", kind="baseline", name="ivanvovk-6")
    compare(toy, "--iters", "6")
    [row] = rows(toy, kind="searched", metric="spectral")
    [baseline] = rows(toy, schedule="ivanvovk-6", metric="spectral")
    assert row["schedule"] == "search kept ivanvovk-6"
    assert row["mean"] == baseline["mean"]


def test_a_winner_of_other_weights_says_so(toy, request):
    ship(toy, "toy/16000hz", MINE, objective="spectral", kind="trial", checkpoint_hash=toy.vocoder.weights_hash)
    compare(toy, "--iters", "6")
    assert {row["schedule"] for row in rows(toy, kind="searched")} == {"searched for spectral"}
    use_vocoder(request, AnalyticVocoder(weights_hash="retrained"))
    compare(toy, "--iters", "6")
    assert {row["schedule"] for row in rows(toy, kind="searched")} == {"searched for spectral, other weights"}


def test_a_folder_that_only_looks_like_a_length_is_passed_over(toy):
    path = ship(toy, "toy/16000hz", MINE)
    path.parent.rename(path.parent.with_name("06iters"))
    assert lengths_with_winners(folder(toy)) == []


def test_without_iters_the_lengths_that_the_user_has_searched_are_compared(toy):
    for steps in (3, 5):
        ship(toy, "toy/16000hz", log_snr_line(steps, 10.0, -4.0))
        ship(toy, "shipped/toy/16000hz", log_snr_line(steps + 1, 10.0, -4.0))
    ship(toy, "shipped/toy/16000hz", log_snr_line(5, 9.0, -4.0))
    compare(toy)
    assert {row["iterations"] for row in rows(toy)} == {"3", "5"}
    assert {row["schedule"] for row in rows(toy, kind="searched")} == {"searched", "shipped"}


def test_where_nothing_has_been_searched_six_steps_are_compared(toy):
    ship(toy, "shipped/toy/16000hz", log_snr_line(50, 10.0, -4.0))
    assert compare(toy) == 0
    assert {row["iterations"] for row in rows(toy)} == {"6"}


def test_schedules_alone_meet_the_baselines_of_their_lengths_and_no_winner(toy, mine):
    ship(toy, "toy/16000hz", MINE)
    ship(toy, "shipped/toy/16000hz", log_snr_line(12, 10.0, -4.0))
    write_schedule(log_snr_line(4, 10.0, -4.0), toy.root / "four.csv")
    compare(toy, "--schedules", f"{mine} '{toy.root / 'four.csv'}'")
    assert {row["iterations"] for row in rows(toy)} == {"4", "6"}
    assert {row["kind"] for row in rows(toy)} == {"baseline", "given"}


def test_a_baseline_given_by_its_name_is_there_once(toy):
    compare(toy, "--schedules", "universal-6 ivanvovk-25")
    assert {row["iterations"] for row in rows(toy)} == {"6", "25"}
    assert {row["kind"] for row in rows(toy)} == {"baseline"}
    found = [(row["iterations"], row["schedule"]) for row in rows(toy, metric=rows(toy)[0]["metric"])]
    assert {("6", "universal-6"), ("25", "ivanvovk-25")} <= set(found)
    assert len(found) == len(set(found))


def test_what_the_dataset_chose_itself_is_compared_only_where_it_is_named(toy, monkeypatch):
    monkeypatch.setattr(baselines_module, "universal_datasets", lambda name: frozenset({"toy"}))
    compare(toy, "--iters", "6")
    assert not rows(toy, schedule="universal-6")
    compare(toy, "--schedules", "universal-6")
    assert {row["kind"] for row in rows(toy, schedule="universal-6")} == {"given"}


@pytest.mark.parametrize(("name", "layout"), [("a.npy", "lmnt"), ("b.npy", "coqui"), ("c.csv", "csv")])
def test_a_file_of_another_layout_scores_as_the_same_betas_in_json(toy, name, layout):
    write_schedule(MINE, toy.root / name, layout=Layout(layout))
    write_schedule(MINE, toy.root / "same.json")
    compare(toy, "--schedules", f"{toy.root / name} {toy.root / 'same.json'}")
    one, other = ([{**row, "schedule": "", "source": ""} for row in rows(toy, schedule=n)] for n in (name, "same.json"))
    assert one == other
    assert calls(toy) == TIMED + 6 * CLIPS * (len(baselines(6)) + 1)  # equal schedules are scored once


def test_a_float32_file_scores_nearly_as_its_float64_original(toy, mine):
    write_schedule(MINE, toy.root / "mine.pt")
    compare(toy, "--schedules", f"{mine} {toy.root / 'mine.pt'}")
    one, other = (float(rows(toy, schedule=n, metric="spectral")[0]["mean"]) for n in ("mine.npy", "mine.pt"))
    assert one == pytest.approx(other, rel=1e-4)


def test_files_that_share_a_name_are_told_apart_by_their_paths(toy):
    paths = [toy.root / name / "mine.json" for name in ("one", "two")]
    for i, path in enumerate(paths):
        path.parent.mkdir()
        write_schedule(log_snr_line(6, 9.0 + i, -4.0), path)
    compare(toy, "--schedules", f"{paths[0]} {paths[1]} {paths[0]}")
    assert {row["schedule"] for row in rows(toy, kind="given")} == set(map(str, paths))
    assert len(rows(toy, kind="given", metric="lsd")) == 2


def test_a_name_that_a_spreadsheet_would_run_is_text(toy, monkeypatch):
    write_schedule(MINE, toy.root / "=1+1.json")
    monkeypatch.chdir(toy.root)
    compare(toy, "--schedules", "=1+1.json")
    assert {(row["schedule"], row["source"]) for row in rows(toy, kind="given")} == {("'=1+1.json", "'=1+1.json")}


# --- failures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PartlyBroken(AnalyticVocoder):  # type: ignore[misc]  # mypy does not follow conftest
    """Its network returns NaN for clips of 6400 samples."""

    def predict_noise(self, y, mel, noise_level):
        found = super().predict_noise(y, mel, noise_level)
        return found * float("nan") if y.shape[1] == 6400 else found


def test_a_failed_synthesis_is_counted_and_not_averaged(toy, request, capsys):
    use_vocoder(request, PartlyBroken())
    compare(toy, "--iters", "6", "--draws", "2")
    broken = rows(toy)
    # Draws of one clip in three.
    assert {(r["failures"], r["clips"], r["pairs"]) for r in broken} == {("2", "2", "2")}
    assert [float(r["failure_rate"]) for r in broken] == pytest.approx([1 / 3] * len(broken))
    assert {r["failure_reason"].partition(": ")[0] for r in broken} == {"held_out0, draw 0"}
    assert "!" in capsys.readouterr().out
    (toy.root / "held_out" / "held_out0.wav").unlink()
    use_vocoder(request, toy.vocoder)
    compare(toy, "--iters", "6", "--draws", "2")
    assert [r["mean"] for r in rows(toy)] == [r["mean"] for r in broken]


def test_where_everything_failed_there_is_no_mean_and_no_verdict(toy, request, capsys):
    use_vocoder(request, BrokenVocoder())
    assert compare(toy, "--iters", "6") == 0
    for row in rows(toy):
        assert [row[name] for name in ("mean", "standard_error", "low", "difference", "verdict")] == [""] * 5
        assert (row["failures"], row["failure_rate"], row["clips"]) == ("3", "1", "0")
    assert "all failed" in capsys.readouterr().out


def test_a_single_clip_has_a_mean_and_no_interval(toy, capsys):
    for name in ("held_out0", "third"):
        (toy.root / "held_out" / f"{name}.wav").unlink()
    compare(toy, "--iters", "6")
    for row in rows(toy):
        assert row["mean"] and not row["low"] and not row["difference"] and not row["verdict"]
    assert "nan" not in capsys.readouterr().out


# --- what is kept ---------------------------------------------------------------------------------


def test_it_judges_as_the_verdict_of_a_search(toy, memory):
    toy.search("--budget", "4candidates", "--strategy", "tpe")
    compare(toy, "--iters", "6", "--seconds", "10", "--draws", "2")
    [told] = [c for c in json.loads((toy.folder / "run.json").read_text())["held_out"] if c["metric"] == "spectral"]
    [baseline] = rows(toy, schedule=json.loads((toy.folder / "run.json").read_text())["baseline"], metric="spectral")
    assert float(baseline["mean"]) == pytest.approx(told["baseline"]["mean"], rel=1e-5)
    assert float(baseline["standard_error"]) == pytest.approx(told["baseline"]["se"], rel=1e-5)


def test_a_finished_comparison_evaluates_nothing_and_writes_the_same(toy, mine):
    compare(toy, "--iters", "6", "--schedules", str(mine))
    before, spent = files_below(toy.root), calls(toy)
    assert compare(toy, "--iters", "6", "--schedules", str(mine)) == 0
    assert calls(toy) == spent
    assert files_below(toy.root) == before


@pytest.mark.parametrize("evaluation", [0, 3, 6])
def test_a_stopped_comparison_goes_on_where_it_was(toy, mine, monkeypatch, capsys, evaluation):
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "SAMPLES_AT_ONCE", 8000)  # a clip at a time
        interrupt_at(patch, evaluation)
        assert compare(toy, "--schedules", str(mine)) == 130
    assert calls(toy) == TIMED + 6 * evaluation
    assert "goes on where it was" in capsys.readouterr().err
    assert not (folder(toy) / "comparison.csv").exists()
    assert compare(toy, "--schedules", str(mine)) == 0
    assert calls(toy) == TIMED + 6 * CLIPS * (len(baselines(6)) + 1)
    stopped = [row["mean"] for row in rows(toy)]
    for name in ("comparison.csv", "comparison.jsonl"):
        (folder(toy) / name).unlink()
    compare(toy, "--schedules", str(mine))
    # Batch mates move float32 sums a little.
    np.testing.assert_allclose(np.array(stopped, float), [float(row["mean"]) for row in rows(toy)], atol=1e-4)


def test_changed_weights_score_anew_and_the_old_ones_are_found_again(toy):
    compare(toy, "--iters", "6")
    spent, changed = calls(toy), replace(toy.vocoder, weights_hash="another", rows=[])
    with using(replace(current(), load_vocoder=lambda checkpoint, config, device: changed)):
        compare(toy, "--iters", "6")
        assert sum(changed.rows) == spent
        assert {row["checkpoint"] for row in rows(toy)} == {"another"}
    compare(toy, "--iters", "6")
    assert calls(toy) == spent


def test_other_clips_metrics_definitions_noise_or_draws_are_scored(toy, monkeypatch):
    compare(toy, "--iters", "6")
    scored = 6 * CLIPS * len(baselines(6))

    def costs(*options, timed=0, **named):
        before = calls(toy)
        compare(toy, "--iters", "6", *options, **named)
        return calls(toy) - before - timed

    assert costs("--seed", "1") == scored
    assert costs("--draws", "2") == scored  # the second; the first is kept
    assert costs(metrics="lsd") == 0
    assert costs(metrics="lsd mcd") == scored
    assert costs("--seconds", "0.25", timed=TIMED) == scored  # another length to time, too
    # Of three clips one is new, and neither its name nor the median length.
    write_wav(toy.root / "held_out" / "third.wav", noise_clip("third", 5120, 0.2, seed=10).audio, 16000)
    assert costs() == scored / CLIPS
    monkeypatch.setattr(opened, "DEFINITIONS", 1000)
    assert costs(timed=TIMED) == scored


def test_a_metric_asked_for_later_leaves_the_others_as_they_are(toy):
    compare(toy, "--iters", "6")
    before = {(row["schedule"], row["metric"]): row["mean"] for row in rows(toy)}
    compare(toy, "--iters", "6", metrics="lsd level mcd")
    after = {(row["schedule"], row["metric"]): row["mean"] for row in rows(toy)}
    assert before.items() <= after.items()
    assert len(after) == len(before) * 4 / 3


@pytest.mark.parametrize(
    "spoil",
    [lambda c: c[:-9], lambda c: c + b'{"key": "sc', lambda c: c + b"\xff\xfe[1]\n{}\n3\n"],
    ids=["the last line", "a line begun", "no lines of ours"],
)
def test_what_a_kill_tore_is_measured_again_and_nothing_else(toy, spoil):
    compare(toy, "--iters", "6")
    before, spent = [row["mean"] for row in rows(toy)], calls(toy)
    path = folder(toy) / "comparison.jsonl"
    content = path.read_bytes()
    path.write_bytes(spoil(content))
    compare(toy, "--iters", "6")
    assert calls(toy) - spent == (0 if len(spoil(content)) > len(content) else 6)  # one clip of one schedule
    np.testing.assert_allclose([float(row["mean"]) for row in rows(toy)], np.array(before, float), atol=1e-4)
    again = calls(toy)
    compare(toy, "--iters", "6")
    assert calls(toy) == again


def test_kept_values_survive_and_merge(tmp_path):
    path = tmp_path / "kept.jsonl"
    ValueCache(path).add({"a": {"x": 0.1, "y": "failed"}})
    ValueCache(path).add({"a": {"x": 0.2}, "b": {"z": [1.5]}})
    found = ValueCache(path)
    assert found.get("a") == {"x": 0.2, "y": "failed"}
    assert found.get("b") == {"z": [1.5]}
    assert found.get("c") == {}


# --- what is printed ------------------------------------------------------------------------------


def test_the_printed_table_is_narrow_and_best_first(toy, mine, capsys):
    long = toy.root / f"{'long name ' * 6}.json"
    write_schedule(log_snr_line(6, 9.0, -3.0), long)
    compare(toy, "--iters", "3 6", "--schedules", f"{mine} '{long}'", metrics="lsd mcd ls_mae level stft_convergence")
    said = capsys.readouterr().out.partition("\n3 iterations: 3 held-out clips x 1 draw")[2]
    block = said.partition("\n6 iterations:")[2].partition("\n\n")[0].splitlines()[2:]
    assert max(map(len, said.partition("\nfile:")[0].splitlines())) <= WIDTH
    order = [row["schedule"] for row in rows(toy, iterations=6, metric="spectral")]
    shown = [name if len(name) <= 29 else f"…{name[-28:]}" for name in order]  # long names keep their end
    assert [line[2:31].rstrip() for line in block] == shown
    [rival] = [line for line in block if line.startswith("*")]
    assert rows(toy, iterations=6)[0]["rival"] in rival and "the rival" in rival


def test_the_parts_of_the_objective_are_the_first_columns_that_fit(toy, capsys):
    ship(toy, "shipped/toy/16000hz", MINE, objective="spectral_pesq_wb", kind="trial")
    compare(toy, "--iters", "6", "--objective", "spectral_pesq", metrics="level log_mel_l1 pesq spectral")
    head, *lines = capsys.readouterr().out.partition("\n6 iterations:")[2].splitlines()[1:]
    shown = head.partition("[95 %]")[2].split()
    assert shown == ["pesq_wb", "spectral", "level"]
    [line] = [line for line in lines if line.startswith("  shipped for spectral_pesq_wb ")]
    for name, cell in zip(shown, line.split()[-len(shown) :], strict=True):
        [row] = rows(toy, kind="searched", metric=name)
        assert float(cell.rstrip("+-=^v")) == pytest.approx(float(row["mean"]), abs=5e-4)


# --- quality against speed ------------------------------------------------------------------------


def test_a_picture_of_quality_and_speed_stands_beside_the_table(toy, mine, request, capsys):
    stand_in(request, draw=png)  # the true one again
    ship(toy, "toy/16000hz", log_snr_line(3, 10.0, -4.0))
    compare(toy, "--iters", "3 6", "--schedules", str(mine))
    path = folder(toy) / "comparison.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.endswith(f"picture:  {path}\n")


def test_the_picture_shows_the_best_baseline_and_all_others_that_are_no_baselines(toy, mine):
    winner = log_snr_line(3, 10.0, -4.0)
    ship(toy, "toy/16000hz", winner)
    compare(toy, "--iters", "3 6", "--schedules", str(mine))
    found = compared(folder(toy) / "comparison.csv")
    assert found is not None
    assert {name: sorted(p.iterations for p in points) for name, points in found.series.items()} == {
        SEARCHED: [3],
        BASELINE: [3, 6],
        GIVEN: [6],
    }
    for name, kind in ((SEARCHED, "searched"), (GIVEN, "given")):
        [row], [point] = rows(toy, kind=kind, metric="spectral"), found.series[name]
        assert [point.score.mean, point.score.low, point.score.high, point.real_time_factor] == [
            float(row[column]) for column in ("mean", "low", "high", "real_time_factor")
        ]
    assert (found.checkpoint, found.machine) == ("analytic", rows(toy)[0]["machine"])
    assert winner.digest in found.winners
    assert log_snr_line(3, 10.0, -4.001).digest not in found.winners
    path = folder(toy) / "comparison.csv"
    before = pd.read_csv(path).drop(columns="digest")  # a table of an earlier version
    before.to_csv(path, index=False)
    outdated = compared(path)
    assert outdated is not None and winner.digest not in outdated.winners


def test_the_picture_has_one_winner_a_length_and_none_of_other_weights(toy):
    ship(toy, "toy/16000hz", MINE, checkpoint_hash=toy.vocoder.weights_hash)
    ship(toy, "shipped/toy/16000hz", log_snr_line(6, 9.0, -3.0), checkpoint_hash=toy.vocoder.weights_hash)
    ship(toy, "toy/16000hz", log_snr_line(3, 10.0, -4.0), checkpoint_hash="of before")
    given = toy.root / "shipped.json"  # the user's own file, whatever its name begins with
    write_schedule(log_snr_line(6, 8.0, -3.0), given)
    compare(toy, "--iters", "3 6", "--schedules", str(given))
    found = compared(folder(toy) / "comparison.csv")
    assert found is not None
    assert len(found.series[GIVEN]) == 1
    [point] = found.series[SEARCHED]
    [own] = [row for row in rows(toy, kind="searched", metric="spectral") if row["schedule"] == "searched"]
    assert (point.iterations, point.score.mean) == (6, float(own["mean"]))


def test_schedules_with_failures_are_not_drawn_and_an_old_picture_goes(toy, request, capsys):
    compare(toy, "--iters", "6")
    assert (folder(toy) / "comparison.png").exists()
    use_vocoder(request, PartlyBroken(weights_hash="broken"))
    compare(toy, "--iters", "6")
    assert not (folder(toy) / "comparison.png").exists()
    assert "picture:" not in capsys.readouterr().out.rpartition("file:")[2]


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "metric,objective\n", "metric,objective\na,a\n", "\0"])
def test_a_table_of_another_program_has_no_picture(tmp_path, content):
    (tmp_path / "comparison.csv").write_text(content)
    assert write_comparison_picture(tmp_path / "comparison.csv") is None
    assert compared(tmp_path / "none.csv") is None


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--iters", ""], "ITERS must be one length or several"),
        (["--iters", "6 x"], "ITERS must be a whole number from 1 to 1000, and is 'x'"),
        (["--schedules", "none.pt"], "none.pt"),
        (["--schedules", "toy.toml"], "not a schedule file"),
        (["--schedules", "bad.json"], "bad.json"),
        (["--schedules", "torn.pt"], "torn.pt"),
        (["--schedules", "illegal.csv"], "beta must lie in (0, 1)"),
        (["--schedules", "\udcff.json"], "its path must be UTF-8"),
        (["--schedules", "it's.pt"], "quote names with spaces"),
        (["--iters", "6", "--metrics", "lsd,mos"], "a metric must be one of"),
        (["--iters", "6", "--objective", "level"], "OBJECTIVE must be one of"),
        (["--iters", "6", "--seconds", "0.1"], "must last 0.25 to 10 s, and is 0.1"),
        (["--iters", "6", "--seconds", "11"], "must last 0.25 to 10 s"),
        (["--iters", "6", "--seconds", "long"], "EXCERPT must be a positive number"),
        (["--iters", "6", "--draws", "0"], "DRAWS must be a whole number from 1 to 100"),
        (["--iters", "6", "--seed", "-1"], "SEED must be"),
        (["--iters", "6", "--results", "/proc/results"], "cannot make the folder"),
        (["--iters", "6", "--dataset", "none"], "known: toy"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(toy, monkeypatch, capsys, options, named):
    monkeypatch.chdir(toy.root)
    (toy.root / "bad.json").write_text("{")
    (toy.root / "torn.pt").write_bytes(b"PK\x03\x04")
    (toy.root / "illegal.csv").write_text("beta\n0.1\n1.5\n")
    before = files_below(toy.root)
    assert compare(toy, *options) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and named in told
    assert files_below(toy.root) == before


def test_a_broken_winner_is_named_in_one_line(toy, capsys):
    path = ship(toy, "toy/16000hz", MINE)
    path.write_text("{")
    assert compare(toy) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and str(path) in told


def test_a_folder_in_the_place_of_what_is_kept_is_one_line(toy, capsys):
    (folder(toy) / "comparison.jsonl").mkdir(parents=True)
    assert compare(toy, "--iters", "6") == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and "comparison.jsonl" in told
