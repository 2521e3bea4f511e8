"""Laws of a transfer: who is judged by whom, what a loss is, how a universal schedule is chosen, what is told."""

import csv
import json
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import AnalyticVocoder, BrokenVocoder, LogRms, Toy, files_below, interrupt_at, noise_clip, stand_in
from hypothesis import given
from hypothesis import strategies as st

from schedsearch.cli import main
from schedsearch.comparison.contest import Settings
from schedsearch.comparison.entrants import FORMULA, PUBLISHED, Entrant, baselines_of
from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.paired import compare
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import percent
from schedsearch.metrics.registry import Metric
from schedsearch.schedules import named as named_module
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.files import Layout, read_schedule, write_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import published, universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.auto import lines
from schedsearch.transfer import tournament as tournament_module
from schedsearch.transfer import universal_candidates as candidates_module
from schedsearch.transfer.heat_map import heat_map
from schedsearch.transfer.length_page import length_page
from schedsearch.transfer.loss_grid import loss_grid, markdown, text
from schedsearch.transfer.matrix import COLUMNS, Cell, cells
from schedsearch.transfer.minimax import Jury, relative_loss
from schedsearch.transfer.overview import summary
from schedsearch.transfer.participants import common_lengths, find_participants
from schedsearch.transfer.relations import relation
from schedsearch.transfer.tournament import Tournament, open_tournament
from schedsearch.transfer.universal import without, write_universal
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate, mean, universal_candidates
from vocoder.audio.reading import write_wav

LOUD, QUIET = log_snr_line(3, 9.0, -3.0), log_snr_line(3, 7.0, -4.0)  # winners of the two voices, as if searched


def few(n: int, *, own: Collection[str] = ()) -> dict[str, NoiseSchedule]:
    """Two baselines, and what is shipped as universal: a transfer in a second."""
    found = baselines(n, own=own).items()
    return {name: s for i, (name, s) in enumerate(found) if i < 2 or name in universal_schedules()}


@pytest.fixture
def voices(toy: Toy, monkeypatch) -> Toy:
    """Datasets "toy" and "other" with clips of their own, and winners of 3 steps; nothing is drawn."""
    for module in ("comparison.entrants", "transfer.universal_candidates"):
        monkeypatch.setattr(f"schedsearch.{module}.baselines", few)
    monkeypatch.setattr(candidates_module, "lines", lambda space: lines(space)[:1])
    (toy.root / "none.pt").touch()
    table = (toy.root / "toy.toml").read_text()
    (toy.root / "other.toml").write_text(table.replace('"search"', '"s2"').replace('"held_out"', '"h2"'))
    for folder, count, offset in (("s2", 3, 20), ("h2", 3, 30)):
        for i in range(count):
            clip = noise_clip(f"{folder}{i}", 5120 + 640 * i, 0.02 * (i + 1), seed=offset + i)
            write_wav(toy.root / folder / f"{clip.name}.wav", clip.audio, 16000)
    win(toy, "toy", LOUD)
    win(toy, "other", QUIET)
    return toy


def win(
    toy: Toy, dataset: str, schedule: NoiseSchedule, *, rate: int = 16000, kind: str = "tpe", **facts: str
) -> None:
    """As a search leaves its winner."""
    path = toy.root / "results" / dataset / f"{rate}hz" / f"{len(schedule)}iters" / "schedule.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_schedule(schedule, path, layout=Layout.JSON, provenance={"objective": "spectral", "kind": kind, **facts})


def transfer(toy: Toy, *options: str, metrics: str = "lsd level") -> int:
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    return main(["transfer", "--objective", "spectral", *places, "--metrics", metrics, *options])


def folder(toy: Toy) -> Path:
    return toy.root / "results" / "transfer"


def rows(toy: Toy, **values: object) -> list[dict[str, str]]:
    """Of matrix-3.csv, those with these values."""
    with (folder(toy) / "matrix-3.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    return [row for row in found if all(row[name] == str(value) for name, value in values.items())]


def finished(toy: Toy) -> Tournament:
    """All steps done."""
    settings = Settings(metrics=("lsd",), objective="spectral", results=toy.root / "results")
    tournament = open_tournament(settings, (), toy.root)
    for steps in (tournament.choosing, tournament.judging):
        list(steps())
    return tournament


def refused(toy: Toy, capsys, *options: str) -> str:
    """The one line; asserts that nothing was written."""
    before = files_below(toy.root)
    assert transfer(toy, *options) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert files_below(toy.root) == before
    return told


def best_formula(tournament: Tournament) -> str:
    """The formula with the least worst loss, once all have been scored on all voices' search clips."""
    formulas = [entrant for entrant in baselines_of(3) if entrant.source == FORMULA]
    losses: dict[str, list[float]] = {entrant.name: [] for entrant in formulas}
    for judge in tournament.participants:
        scoring = tournament.searching[judge.label]
        list(scoring.steps(formulas))
        own = scoring.scores(judge.winners[3].schedule)["spectral"].mean
        for entrant in formulas:
            losses[entrant.name].append(scoring.scores(entrant.schedule)["spectral"].mean / own - 1)
    return min(losses, key=lambda name: max(losses[name]))


# --- who is judged by whom ------------------------------------------------------------------------


def test_every_voice_judges_winners_published_ones_the_best_formula_and_the_universal_ones(voices, monkeypatch):
    for module in ("comparison.entrants", "transfer.universal_candidates"):
        monkeypatch.setattr(f"schedsearch.{module}.baselines", baselines)
    assert transfer(voices) == 0
    for dataset, stranger in (("toy", "universal-3 without toy"), ("other", "universal-3 without other")):
        found = [row["schedule"] for row in rows(voices, dataset=dataset, metric="lsd")]
        own = ["winner of toy/16000hz", "winner of other/16000hz", "universal-3", stranger]
        assert sorted(found) == sorted([*own, "fastdiff-3", best_formula(finished(voices))])
        for row in rows(voices, dataset=dataset):
            assert row["metric"] in ("spectral", "lsd", "level")


def test_the_columns_keep_their_names_and_order(voices):
    # Programs of users read them: a change of this list is a change of the format.
    transfer(voices)
    assert list(rows(voices)[0]) == list(COLUMNS) == [
        "dataset", "rate", "speaker", "checkpoint", "precision", "iterations", "schedule", "source", "relation",
        "metric", "unit", "direction",
        "mean", "standard_error", "low", "high", "clips", "draws", "failures", "failure_rate",
        "difference", "difference_low", "difference_high", "pairs", "relative_loss", "verdict",
        "first_log_snr", "terminal_log_snr", "sigma_1", "log_snr_distance",
    ]  # fmt: skip


def test_a_difference_is_to_the_judges_own_winner_and_a_loss_is_positive_where_it_is_worse(voices):
    transfer(voices)
    assert {row["relative_loss"] for row in rows(voices, metric="level")} == {""}  # no side of it is better
    for row in rows(voices, direction="minimize"):
        [native] = rows(voices, dataset=row["dataset"], relation="native", metric=row["metric"])
        assert native["schedule"] == f"winner of {row['dataset']}/16000hz"
        difference = float(row["mean"]) - float(native["mean"])
        assert float(row["difference"]) == pytest.approx(difference, abs=1e-5)
        assert float(row["relative_loss"]) == pytest.approx(difference / float(native["mean"]), abs=1e-5)
        low, high = float(row["difference_low"]), float(row["difference_high"])
        told = "worse" if low > 0 else "better" if high < 0 else "tie"
        assert row["verdict"] == ("native" if row is native or row["relation"] == "native" else told)


@pytest.mark.parametrize(("direction", "score"), [("minimize", 2.2), ("maximize", 1.8)])
def test_a_loss_is_a_part_of_the_native_score_in_either_direction(direction, score):
    metric = Metric("m", "1", direction, lambda references, estimates: [])
    assert relative_loss(metric, score, 2.0) == pytest.approx(0.1)
    assert relative_loss(metric, 2.0, 2.0) == 0


def test_facts_of_a_schedule_are_its_own(voices):
    transfer(voices)
    [row] = rows(voices, dataset="toy", schedule="winner of other/16000hz", metric="lsd")
    assert (float(row["first_log_snr"]), float(row["terminal_log_snr"])) == pytest.approx((7.0, -4.0))
    # steps differ by 2, 1.5 and 1: sqrt((4 + 2.25 + 1) / 3)
    assert float(row["log_snr_distance"]) == pytest.approx((7.25 / 3) ** 0.5)
    assert float(row["sigma_1"]) == pytest.approx((1 / (1 + np.exp(7.0))) ** 0.5)


def test_a_metric_of_the_users_own_decides(voices, monkeypatch):
    text = "def nearness(reference, estimate, sample_rate):\n    return 1 / (1 + abs(reference - estimate).mean())\n"
    (voices.root / "transferred.py").write_text(f"{text}nearness.direction = 'maximize'\n")
    monkeypatch.chdir(voices.root)
    monkeypatch.syspath_prepend(voices.root)
    assert transfer(voices, "--objective", "transferred:nearness") == 0
    found = rows(voices, metric="nearness")
    assert {row["direction"] for row in found} == {"maximize"}
    native = {row["dataset"]: float(row["mean"]) for row in found if row["relation"] == "native"}
    for row in found:
        loss = 1 - float(row["mean"]) / native[row["dataset"]]
        assert float(row["relative_loss"]) == pytest.approx(loss, abs=1e-6)


def test_a_voice_of_the_same_speaker_is_told_apart(voices):
    table = (voices.root / "other.toml").read_text()
    (voices.root / "again.toml").write_text(f'speaker = "other"\n{table}')
    win(voices, "again", log_snr_line(3, 8.0, -3.0))
    transfer(voices, metrics="lsd")
    found = {(row["dataset"], row["schedule"]): row["relation"] for row in rows(voices, metric="lsd")}
    assert found["other", "winner of again/16000hz"] == "same speaker"
    assert found["again", "winner of other/16000hz"] == "same speaker"
    assert found["toy", "winner of again/16000hz"] == "other speaker"
    # again's recordings are other's: what a stranger to it is given owes nothing to either
    assert found["again", "universal-3 without other"] == "universal without the speaker"


def test_a_speaker_at_another_rate_is_told_apart(voices, request):
    slow = AnalyticVocoder(LogRms(sample_rate=8000))
    stand_in(
        request,
        load_vocoder=lambda checkpoint, config, device: slow if "slow" in checkpoint.name else voices.vocoder,
    )
    (voices.root / "slow.pt").touch()
    table = (voices.root / "toy.toml").read_text()
    other = table.replace("16000", "8000").replace("none.pt", "slow.pt") + "resample = true\n"
    (voices.root / "toy.toml").write_text(table + other)
    win(voices, "toy", log_snr_line(3, 8.0, -3.0), rate=8000)
    transfer(voices, metrics="lsd")
    [row] = rows(voices, dataset="toy", rate=8000, schedule="winner of toy/16000hz", metric="lsd")
    assert row["relation"] == "same speaker at another rate"
    [row] = rows(voices, dataset="toy", rate=8000, schedule="winner of other/16000hz", metric="lsd")
    assert row["relation"] == "other speaker at another rate"
    for rate, said in ((8000, "other speaker at another rate"), (16000, "other speaker")):
        [row] = rows(voices, dataset="other", schedule=f"winner of toy/{rate}hz", metric="lsd")
        assert row["relation"] == said


def test_a_voice_without_a_winner_judges_without_a_loss(voices):
    shutil.rmtree(voices.root / "results" / "toy")
    table = (voices.root / "toy.toml").read_text()
    (voices.root / "third.toml").write_text(table)
    win(voices, "third", LOUD)
    transfer(voices, metrics="lsd")
    found = rows(voices, dataset="toy", metric="lsd")
    assert {row["schedule"] for row in found} >= {"winner of other/16000hz", "winner of third/16000hz"}
    assert {(row["difference"], row["relative_loss"], row["verdict"]) for row in found} == {("", "", "")}
    assert all(row["mean"] for row in found)


def test_the_users_own_winner_goes_before_the_shipped_one(voices):
    win(voices, "shipped/toy", QUIET)
    win(voices, "shipped/other", log_snr_line(5, 8.0, -3.0))
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    [toy] = [voice for voice in taking_part if voice.voice.dataset == "toy"]
    assert toy.winners[3].schedule == LOUD
    [other] = [voice for voice in taking_part if voice is not toy]
    assert set(other.winners) == {3, 5}


# --- what is universal ----------------------------------------------------------------------------


def entrant_of(candidate: UniversalCandidate) -> Entrant:
    return Entrant(candidate.name, "given", "candidate", candidate.schedule)


def test_the_universal_schedule_has_the_least_worst_loss_on_search_clips(voices):
    tournament = finished(voices)
    choice = tournament.choices[3]
    worst = {}
    for judge in tournament.participants:  # what the choice had no need to hear
        list(tournament.searching[judge.label].steps([entrant_of(c) for c in tournament.candidates[3]]))
    for candidate in tournament.candidates[3]:
        losses = []
        for judge in tournament.participants:
            scoring = tournament.searching[judge.label]
            mine, own = (scoring.scores(s)["spectral"].mean for s in (candidate.schedule, judge.winners[3].schedule))
            losses.append(mine / own - 1)
        worst[candidate.name] = max(losses)
    assert choice.worst[1] == pytest.approx(min(worst.values()))
    assert worst[choice.candidate.name] == min(worst.values())


def test_short_parts_of_search_clips_choose_even_where_whole_held_out_clips_judge(voices, monkeypatch):
    monkeypatch.setattr(tournament_module, "CHOOSING_SECONDS", 0.16)
    tournament = finished(voices)
    longest = {len(clip.audio) for scoring in tournament.searching.values() for clip in scoring.clips}
    assert longest == {2560}
    assert all(len(clip.audio) >= 5120 for scoring in tournament.held_out.values() for clip in scoring.clips)


def test_a_universal_schedule_that_is_kept_stands_in_place_of_the_choice_alone(voices):
    earlier = log_snr_line(3, 5.0, -1.0)
    chosen = finished(voices)
    settled = replace(chosen, kept={3: UniversalCandidate("as it was", earlier)})
    for steps in (settled.choosing, settled.judging):
        list(steps())
    assert settled.choices[3].candidate.schedule == earlier != chosen.choices[3].candidate.schedule
    assert settled.choices_of_others == chosen.choices_of_others
    for judge in settled.participants:
        by_name = {entrant.name: entrant.schedule for entrant in settled.entrants(judge, 3)}
        assert by_name["universal-3"] == earlier


def test_held_out_clips_have_no_part_in_the_choice(voices):
    before = finished(voices).choices[3].candidate
    for path in (voices.root / "held_out").iterdir():
        write_wav(path, noise_clip("x", 6400, 0.3, seed=77).audio, 16000)
    assert finished(voices).choices[3].candidate == before


def speakers(candidate: UniversalCandidate) -> set[str]:
    return {origin.speaker for origin in candidate.origins if origin.speaker}


def test_a_speaker_has_no_part_in_what_is_chosen_without_it(voices):
    before = finished(voices).choices_of_others[3, Origin("toy")]
    win(voices, "toy", log_snr_line(3, 11.0, -1.0))
    for path in (voices.root / "search").iterdir():
        write_wav(path, noise_clip("x", 6400, 0.3, seed=77).audio, 16000)
    after = finished(voices).choices_of_others[3, Origin("toy")]
    assert (before.candidate, before.losses) == (after.candidate, after.losses)
    assert set(after.losses) == {"other/16000hz"}


def test_without_a_speaker_go_its_candidates_and_its_votes(voices):
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    candidates, others = without(Origin("toy"), universal_candidates(taking_part, 3), taking_part)
    assert {judge.voice.speaker for judge in others} == {"other"}
    names = {candidate.name for candidate in candidates}
    assert "winner of other/16000hz" in names
    assert not {name for name in names if "toy" in name}
    assert set(few(3)) <= names


def of_dialects(tournament: Tournament, **dialects: str) -> Tournament:
    """As if the voices' checkpoints were of these dialects."""
    voices = tuple(replace(p, dialect=dialects[p.voice.dataset]) for p in tournament.participants)
    return replace(tournament, participants=voices)


def test_where_there_are_several_dialects_each_is_judged_by_what_was_chosen_without_it(voices):
    tournament = of_dialects(finished(voices), toy="lmnt", other="coqui")
    list(tournament.judging())
    unseen = {cell.judge.voice.dataset: cell.entrant for cell in cells(tournament) if "dialect" in cell.entrant.source}
    assert {name: entrant.name for name, entrant in unseen.items()} == {
        "toy": "universal-3 without lmnt's dialect", "other": "universal-3 without coqui's dialect"
    }  # fmt: skip
    choice = tournament.choices_of_others[3, Origin(dialect="lmnt")]
    assert set(choice.losses) == {"other/16000hz"}
    assert Origin(dialect="lmnt") not in choice.candidate.origins
    assert "universal, judge's dialect unseen" in markdown(loss_grid(cells(tournament)))
    assert "universal-3 without lmnt's dialect" in length_page(tournament, cells(tournament), 3)


def test_voices_of_one_dialect_are_judged_by_nothing_chosen_without_it(voices):
    assert {cell.relation for cell in cells(finished(voices))} == {
        "native", "other speaker", "baseline", "universal", "universal without the speaker"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("speaker", "rate", "dialect", "said"),
    [
        ("a", 16000, "lmnt", "same speaker"),
        ("a", 8000, "lmnt", "same speaker at another rate"),
        ("a", 16000, "coqui", "same speaker in another dialect"),
        ("b", 16000, "lmnt", "other speaker"),
        ("b", 16000, "coqui", "other speaker in another dialect"),
        ("b", 8000, "coqui", "other speaker at another rate in another dialect"),
    ],
)
def test_a_relation_names_all_in_which_two_voices_differ(voices, speaker, rate, dialect, said):
    [judge, other] = find_participants((), voices.root, voices.root / "results")[0]
    judge = replace(judge, voice=replace(judge.voice, speaker="a", sample_rate=16000), dialect="lmnt")
    other = replace(other, voice=replace(other.voice, speaker=speaker, sample_rate=rate), dialect=dialect)
    assert relation(other, judge) == said
    assert relation(judge, judge) == "native"


def test_each_schedule_is_a_candidate_once_and_lines_and_means_are_among_them(voices):
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    candidates = universal_candidates(taking_part, 3)
    assert len({candidate.schedule for candidate in candidates}) == len(candidates)
    found = {candidate.name: candidate for candidate in candidates}
    [line] = [candidate for candidate in candidates if candidate.name.startswith("straight log-SNR line ")]
    np.testing.assert_allclose(np.diff(line.schedule.log_snr, n=2), 0, atol=1e-6)
    middle = found["mean of other/16000hz, toy/16000hz"]
    np.testing.assert_allclose(middle.schedule.log_snr, (LOUD.log_snr + QUIET.log_snr) / 2, rtol=1e-9)
    assert speakers(middle) == {"toy", "other"}


def test_a_winner_that_is_published_owes_nothing_to_its_speaker(voices):
    win(voices, "toy", published("fastdiff-3"))
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    candidates = {candidate.schedule: candidate for candidate in universal_candidates(taking_part, 3)}
    candidate = candidates[published("fastdiff-3")]
    assert (candidate.name, candidate.origins) == ("fastdiff-3", frozenset())


@pytest.mark.parametrize("copied", ["first", "second"])
def test_a_winner_that_a_search_began_from_is_owed_to_whose_it_was(voices, copied):
    # "aaa" stands before "other" among the voices, "zzz" after it.
    copier = {"first": "aaa", "second": "zzz"}[copied]
    (voices.root / f"{copier}.toml").write_text((voices.root / "other.toml").read_text())
    win(voices, copier, QUIET, kind="warm start")
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    candidates, _ = without(Origin("other"), universal_candidates(taking_part, 3), taking_part)
    assert QUIET not in {candidate.schedule for candidate in candidates}
    assert not any(candidate.name.startswith("mean of") for candidate in candidates)
    kept, _ = without(Origin(copier), universal_candidates(taking_part, 3), taking_part)
    assert QUIET in {candidate.schedule for candidate in kept}


def test_a_winner_that_another_speaker_had_in_another_length_is_owed_to_that_speaker_too(voices):
    win(voices, "toy", LOUD, kind="warm start", began_from="other/16000hz/6 steps")
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    [candidate] = [candidate for candidate in universal_candidates(taking_part, 3) if candidate.schedule == LOUD]
    assert speakers(candidate) == {"toy", "other"}


def test_a_winner_that_was_searched_on_other_weights_is_nobodys_own(voices, capsys):
    win(voices, "toy", LOUD, checkpoint_hash="analytic")
    win(voices, "other", QUIET, checkpoint_hash="of before")
    (voices.root / "third.toml").write_text((voices.root / "toy.toml").read_text())
    win(voices, "third", log_snr_line(3, 8.0, -3.5))
    assert transfer(voices) == 0
    told = capsys.readouterr().out
    assert "other/16000hz/3iters/schedule.json was searched on other weights than" in told
    assert "winner of other/16000hz" not in {row["schedule"] for row in rows(voices)}
    shutil.rmtree(voices.root / "results" / "third")
    told = refused(voices, capsys)
    assert "needs winners of the same length from two voices" in told
    assert "other/16000hz/3iters/schedule.json was searched on other weights than" in told


def test_a_shipped_winner_of_these_weights_stands_in_for_the_users_of_others(voices):
    win(voices, "other", LOUD, checkpoint_hash="of before")
    win(voices, "shipped/other", QUIET, checkpoint_hash="analytic")
    assert transfer(voices) == 0
    [source] = {row["source"] for row in rows(voices) if (row["dataset"], row["relation"]) == ("other", "native")}
    assert source == str(voices.root / "results" / "shipped" / "other" / "16000hz" / "3iters" / "schedule.json")


def test_a_winner_that_was_searched_for_another_metric_is_named(voices, capsys):
    win(voices, "toy", LOUD, objective="lsd")
    assert transfer(voices) == 0
    assert "toy/16000hz/3iters/schedule.json was searched for lsd, and is judged by spectral" in capsys.readouterr().out


def test_a_winner_that_all_began_from_is_owed_to_all(voices):
    win(voices, "toy", QUIET, kind="warm start")
    win(voices, "other", QUIET, kind="warm start")
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    [candidate] = [candidate for candidate in universal_candidates(taking_part, 3) if candidate.schedule == QUIET]
    assert speakers(candidate) == {"toy", "other"}


def ship_universal(monkeypatch, schedule, voices):
    """As if universal.json held this schedule alone."""
    entry = {"betas": schedule.betas.tolist(), "voices": voices}
    tables = {"published": named_module._entries("published"), "universal": {"universal-3": entry}}
    monkeypatch.setattr(named_module, "_entries", tables.get)


def test_a_winner_that_is_a_universal_schedule_is_owed_to_those_who_chose_it(voices, monkeypatch):
    ship_universal(monkeypatch, QUIET, ["toy/8000hz", "far/8000hz"])
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    [candidate] = [candidate for candidate in universal_candidates(taking_part, 3) if candidate.schedule == QUIET]
    assert speakers(candidate) == {"toy", "other", "far"}


def test_what_was_universal_before_is_neither_a_candidate_nor_a_baseline(voices, monkeypatch):
    ship_universal(monkeypatch, log_snr_line(3, 8.8, -2.2), [])
    assert [entrant.source for entrant in baselines_of(3) if entrant.name == "universal-3"] == ["universal"]
    tournament = finished(voices)
    assert "universal-3" not in {candidate.name for candidate in tournament.candidates[3]}
    names = [entrant.name for entrant in tournament.entrants(tournament.participants[0], 3)]
    assert names.count("universal-3") == 1


@given(st.lists(st.lists(st.floats(0.1, 3.0), min_size=4, max_size=4), min_size=2, max_size=4))
def test_a_mean_in_log_snr_is_legal_and_lies_between(gaps):
    schedules = [NoiseSchedule.from_log_snr(8.0 - np.cumsum(each)) for each in gaps]
    curves = np.array([schedule.log_snr for schedule in schedules])
    found = mean(schedules).log_snr
    assert (found <= curves.max(axis=0) + 1e-9).all()
    assert (found >= curves.min(axis=0) - 1e-9).all()


def test_universal_schedules_are_written_for_everybody_and_as_a_table_of_families(voices):
    transfer(voices)
    told = json.loads((folder(voices) / "universal.json").read_text())
    betas = NoiseSchedule(told["universal-3"]["betas"])
    assert "make transfer" in told["universal-3"]["source"]
    for ending in ("lmnt.npy", "coqui.npy", "json"):
        assert read_schedule(folder(voices) / f"universal-3.{ending}") == betas
    np.testing.assert_allclose(read_schedule(folder(voices) / "universal-3.pt").betas, betas.betas, rtol=1e-7)


def test_other_lengths_of_the_table_stay(voices):
    path = voices.root / "universal.json"
    path.write_text(json.dumps({"universal-6": {"source": "before", "betas": [0.1] * 6}}))
    write_universal(finished(voices).choices, path, [3])
    assert list(json.loads(path.read_text())) == ["universal-3", "universal-6"]


def test_an_earlier_schedule_goes_where_nothing_was_chosen(voices, monkeypatch):
    """It would pass for one of the objective that was asked for."""
    transfer(voices)
    assert (folder(voices) / "universal-3.pt").exists()
    monkeypatch.setattr(Jury, "choice", lambda jury, decision: None)
    transfer(voices)
    assert not list(folder(voices).glob("universal-3.*"))
    assert json.loads((folder(voices) / "universal.json").read_text()) == {}


def test_a_voice_whose_audio_is_nan_neither_chooses_nor_spoils_the_others(voices, request):
    broken = BrokenVocoder(weights_hash="broken")
    (voices.root / "broken.pt").touch()
    (voices.root / "nan.toml").write_text((voices.root / "toy.toml").read_text().replace("none.pt", "broken.pt"))
    stand_in(
        request,
        load_vocoder=lambda checkpoint, config, device: broken if "broken" in checkpoint.name else voices.vocoder,
    )
    win(voices, "nan", LOUD)
    assert transfer(voices, metrics="lsd") == 0
    told = json.loads((folder(voices) / "universal-3.json").read_text())["provenance"]
    assert set(told["relative_loss_on_search_clips"]) == {"toy/16000hz", "other/16000hz"}
    assert {row["verdict"] for row in rows(voices, dataset="nan")} == {"", "native"}
    assert {row["failures"] for row in rows(voices, dataset="nan", metric="lsd")} == {"2"}


def test_what_fails_more_often_is_no_tie(voices):
    tournament = finished(voices)
    [cell, *_] = [c for c in cells(tournament) if c.relation == "other speaker" and c.decisive]
    native = cell.comparison.baseline
    values = native.values.copy()
    values[0] = np.nan  # equal on all other clips
    failing = replace(cell, comparison=compare(cell.metric, Score(values, ("NaN",)), native, 0))
    assert failing.comparison.difference is None or not failing.comparison.difference.excludes_zero
    assert failing.verdict == "fails more often"
    assert np.isnan(failing.relative_loss)
    assert text(failing) == "failed"


def test_the_work_that_is_told_is_at_least_what_is_done(voices):
    settings = Settings(metrics=("lsd",), objective="spectral", results=voices.root / "results")
    tournament = open_tournament(settings, (), voices.root)
    told = tournament.evaluations()
    list(tournament.choosing())
    for judge in tournament.participants:
        entrants = tournament.entrants(judge, 3)
        known = [entrant for entrant in entrants if entrant.source == PUBLISHED or entrant.kind == "searched"]
        list(tournament.held_out[judge.label].steps(known))
    assert told >= sum(voices.vocoder.rows) > 0.5 * told
    assert tournament.evaluations() == 0


# --- what is told ---------------------------------------------------------------------------------


def settled(cell: Cell, low: float, high: float) -> Cell:
    """The cell with another interval."""
    return replace(cell, comparison=replace(cell.comparison, difference=Interval((low + high) / 2, low, high)))


def lengthened(cell: Cell, steps: int) -> Cell:
    return replace(cell, entrant=replace(cell.entrant, schedule=log_snr_line(steps, 9.0, -3.0)))


def test_the_page_of_a_length_has_losses_winners_and_universal_schedules(voices):
    tournament = finished(voices)
    all_cells = cells(tournament)
    page = length_page(tournament, all_cells, 3)
    assert markdown(loss_grid([cell for cell in all_cells if cell.decisive])) in page
    lines = [[part.strip() for part in line.strip("|").split("|")] for line in page.splitlines()]
    # log-SNR 9 to -3: sigma_1 = sqrt(1 / (1 + e^9)), terminal level sqrt(1 / (1 + e^3))
    assert ["toy/16000hz", "2", "float32", "9", "-3", "0.0111", "0.218"] in lines
    choice, of_others = tournament.choices[3], tournament.choices_of_others[3, Origin("toy")]
    label, loss = choice.worst
    assert ["universal-3", choice.candidate.name, percent(loss), label] in lines
    assert ["universal-3 without toy", of_others.candidate.name, percent(of_others.worst[1]), "other/16000hz"] in lines


def test_a_heat_map_is_grey_and_marks_own_winners_and_ties(voices):
    tournament = finished(voices)
    found = [cell for cell in cells(tournament) if cell.decisive]
    axes = heat_map(found, "spectral", 3).axes[0]
    texts = [each.get_text() for each in axes.texts]
    assert texts.count("own") == 2
    shown = [cell for cell in found if cell.relation in ("other speaker", "universal")]
    assert [text(cell) for cell in shown if text(cell) not in texts] == []
    assert all((" =" in text(cell)) == (cell.verdict == "tie") for cell in shown)
    colours = axes.images[0].to_rgba(np.array([[0.0, 0.1, 0.5]]))[0, :, :3]
    assert np.ptp(colours, axis=1).max() == 0  # red, green and blue alike
    assert (np.diff(colours[:, 0]) < 0).all()  # darker is worse


def test_the_table_to_read_says_what_the_heat_map_says(voices):
    found = [cell for cell in cells(finished(voices)) if cell.decisive]
    lines = markdown(loss_grid(found)).splitlines()
    assert lines[0] == "| loss on the held-out clips of | other/16000hz | toy/16000hz |"
    drawn = heat_map(found, "spectral", 3).axes[0]
    written = [[part.strip() for part in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[0] for row in written] == [label.get_text() for label in drawn.get_yticklabels()]
    assert [part for row in written for part in row[1:]] == [each.get_text() for each in drawn.texts]


def test_pictures_and_pages_are_written(voices, capsys):
    assert transfer(voices) == 0
    told = capsys.readouterr().out
    names = {path.name for path in folder(voices).iterdir()}
    assert names >= {"matrix-3.csv", "transfer-3.md", "transfer-3.png", "winners-3.png", "universal.json"}
    words = (folder(voices) / "transfer.md").read_text()
    assert words.strip() in told
    table = summary(pd.read_csv(folder(voices) / "matrix-3.csv"))
    assert "another speaker's winner" in table
    assert table in words


def test_lengths_that_were_transferred_before_stay_and_stand_in_the_overview(voices):
    win(voices, "toy", log_snr_line(5, 9.0, -3.0))
    win(voices, "other", log_snr_line(5, 8.0, -3.0))
    assert transfer(voices, "--iters", "5", "--draws", "2") == 0
    before = {path.name: path.read_bytes() for path in folder(voices).glob("*-5.*")}
    assert set(before) >= {"matrix-5.csv", "transfer-5.md", "transfer-5.png", "winners-5.png"}
    assert transfer(voices, "--iters", "3") == 0
    assert {name: (folder(voices) / name).read_bytes() for name in before} == before
    told = (folder(voices) / "transfer.md").read_text()
    assert "| what a voice takes | 3 steps | 5 steps |" in told
    heard = {row["dataset"]: row["clips"] for row in rows(voices, metric="spectral")}
    clips = f"other/16000hz {heard['other']} clips, toy/16000hz {heard['toy']} clips."
    assert f"- [3 steps](transfer-3.md): by spectral, 1 draw of noise a clip; {clips}" in told
    assert f"- [5 steps](transfer-5.md): by spectral, 2 draws of noise a clip; {clips}" in told


def test_a_damaged_table_of_another_length_is_told_before_the_work(voices, capsys):
    folder(voices).mkdir(parents=True)
    (folder(voices) / "universal.json").write_text('{"universal-6": {')
    assert "universal.json is no table of universal schedules" in refused(voices, capsys)
    (folder(voices) / "universal.json").unlink()
    (folder(voices) / "matrix-12.csv").write_text("dataset,rate\n")
    told = refused(voices, capsys)
    assert f"{folder(voices) / 'matrix-12.csv'} must be a matrix of transfer and has no column speaker" in told
    (folder(voices) / "matrix-12.csv").unlink()
    assert transfer(voices) == 0
    whole = (folder(voices) / "matrix-3.csv").read_text().rstrip("\n")
    (folder(voices) / "matrix-12.csv").write_text(whole[: whole.rindex("\n") + 12])
    capsys.readouterr()
    voices.vocoder.rows.clear()
    assert "matrix-12.csv must have a value in each row of its column" in refused(voices, capsys)
    assert voices.vocoder.rows == []
    columns = [name for name in COLUMNS if name != "precision"]  # as earlier versions wrote it
    (folder(voices) / "matrix-12.csv").write_text(",".join(columns) + "\n")
    (folder(voices) / "matrix-3.csv").write_text("what this run writes anew")
    assert transfer(voices) == 0
    assert rows(voices, metric="lsd")[0]["precision"] == "float32"


# --- stopping, and what is wrong ------------------------------------------------------------------


def test_a_stopped_transfer_goes_on_and_ends_as_one_that_was_left_alone(voices, monkeypatch):
    assert transfer(voices) == 0
    whole, matrix = sum(voices.vocoder.rows), (folder(voices) / "matrix-3.csv").read_bytes()
    for dataset in ("toy", "other"):
        (voices.root / "results" / dataset / "16000hz" / "comparison.jsonl").unlink()
    voices.vocoder.rows.clear()
    with monkeypatch.context() as patch:
        interrupt_at(patch, 11)
        assert transfer(voices) == 130
    assert transfer(voices) == 0
    assert (folder(voices) / "matrix-3.csv").read_bytes() == matrix
    assert sum(voices.vocoder.rows) == whole  # nothing twice
    assert transfer(voices) == 0
    assert sum(voices.vocoder.rows) == whole  # nothing again


def test_lengths_are_those_that_two_voices_have(voices):
    win(voices, "toy", log_snr_line(5, 9.0, -3.0))
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    assert common_lengths(taking_part, ()) == [3]
    win(voices, "other", log_snr_line(5, 9.0, -3.0))
    taking_part, _ = find_participants((), voices.root, voices.root / "results")
    assert common_lengths(taking_part, ()) == [3, 5]
    assert common_lengths(taking_part, (5, 5)) == [5]


def test_voices_without_data_are_left_out_and_named(voices, capsys):
    table = (voices.root / "toy.toml").read_text()
    (voices.root / "bare.toml").write_text(table.replace("none.pt", "gone.pt"))
    training = '[rates.16000.training]\naudio = "a"\nobtain = "fetch it"\n'
    (voices.root / "silent.toml").write_text(table.replace('"held_out"', '"gone"') + training)
    listed = table.replace('"held_out"', '{ folder = "search", sha256 = { "gone.wav" = "0123456789abcdef" } }')
    assert listed != table
    (voices.root / "moved.toml").write_text(listed)
    (voices.root / "hollow").mkdir()
    (voices.root / "hollow.toml").write_text(table.replace('"held_out"', '"hollow"'))
    assert transfer(voices) == 0
    told = capsys.readouterr().out
    assert "left out: moved at 16000 Hz has no clips" in told
    assert "left out: hollow at 16000 Hz has no clips" in told
    assert "left out: bare at 16000 Hz has no checkpoint" in told
    assert "left out: silent at 16000 Hz has no clips (fetch it)" in told
    assert {row["dataset"] for row in rows(voices)} == {"toy", "other"}


def test_a_voice_that_was_asked_for_must_have_its_clips(voices, capsys):
    training = '[rates.16000.training]\naudio = "a"\nobtain = "fetch it"\n'
    table = (voices.root / "toy.toml").read_text()
    (voices.root / "silent.toml").write_text(table.replace('"held_out"', '"gone"') + training)
    win(voices, "silent", LOUD)
    told = refused(voices, capsys, "--voices", "silent other")
    assert "no recordings in" in told
    assert "get them: fetch it" in told


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--voices", "nobody toy"], "dataset 'nobody' is unknown; known: other, toy"),
        (["--voices", "toy@8000 other"], "has no voice at 8000 Hz; it has 16000"),
        (["--voices", "toy@fast other"], "VOICES must be datasets, or such as demo@8000, and has 'toy@fast'"),
        (["--experiments", "/nowhere"], "no datasets in /nowhere/; run from the repository's root"),
        (["--voices", "toy"], "needs two voices or more, and has toy/16000hz"),
        (["--iters", "7"], "needs winners of 7 iterations from two voices or more of other/16000hz, toy/16000hz"),
        (["--iters", "0"], "ITERS must be a whole number"),
        (["--draws", "0"], "DRAWS"),
        (["--objective", "level"], "OBJECTIVE must be one of"),
        (["--metrics", "beauty"], "'beauty'"),
    ],
)
def test_a_bad_option_is_one_line(voices, capsys, options, named):
    assert named in refused(voices, capsys, *options)


def test_a_winner_of_another_length_than_its_folder_is_named(voices, capsys):
    path = voices.root / "results" / "toy" / "16000hz" / "3iters" / "schedule.json"
    write_schedule(log_snr_line(4, 9, -3), path)
    assert f"{path} must have 3 steps, as its folder says, and has 4; run that search" in refused(voices, capsys)


def test_without_any_winners_the_way_to_some_is_told(voices, capsys):
    shutil.rmtree(voices.root / "results")
    assert "make search-all" in refused(voices, capsys)
