"""Laws of the network's limit: what the share is, when it is blank, what is measured once, and what is said of it."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import AnalyticVocoder, Toy, noise_clip, stand_in

from schedsearch.cli import main
from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.measuring import of_batches
from schedsearch.metrics.registry import Metric
from schedsearch.report.limit_text import limit_text
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import published
from schedsearch.search.network_limit import (
    EXCERPTS,
    YARDSTICK,
    LimitBench,
    Measured,
    NetworkLimit,
    long_schedule,
    whole_bench,
)
from schedsearch.study.value_cache import ValueCache

DEVIATION = 0.3
SIX, TWELVE = log_snr_line(6, 8.0, -2.0), log_snr_line(12, 11.0, -4.0)


def level_error(references: torch.Tensor, estimates: torch.Tensor) -> torch.Tensor:
    """|ln of the ratio of deviations|: of the analytic vocoder in many steps it goes to 0."""
    return (estimates.square().mean(-1) / references.square().mean(-1)).log().abs() / 2


LEVEL = Metric("level_error", "1", "minimize", of_batches(level_error))
EQUAL = Metric("equal", "1", "minimize", lambda references, estimates: [[1.0] * len(references) for _ in estimates])


@pytest.fixture
def vocoder() -> AnalyticVocoder:
    return AnalyticVocoder()


@pytest.fixture
def bench(vocoder: AnalyticVocoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LimitBench:
    """Eight clips of N(0, 0.3^2), and a network that takes 0.1 s a step: 20 s are enough for 100 steps, not for 200."""
    monkeypatch.setattr(LimitBench, "_seconds_a_step", lambda self: 0.1)
    clips = tuple(noise_clip(f"clip{seed}", 1_920, DEVIATION, seed=seed) for seed in range(EXCERPTS))
    return whole_bench(vocoder, clips, {LEVEL.name: LEVEL}, tmp_path)


def reopened(bench: LimitBench, **changes: object) -> LimitBench:
    """As another search opens it."""
    return replace(bench, cache=ValueCache(bench.cache._path), **changes)  # type: ignore[arg-type]


def measure(bench: LimitBench, schedule=SIX, seconds: float = 20.0, longer: bool = False) -> NetworkLimit | None:
    list(bench.steps("searched", schedule, seconds, longer=longer))
    return bench.limit(schedule)


def test_the_share_is_that_of_the_closed_form(bench, analytic_variance):
    """The variance that sampling leaves is known exactly, and with it each schedule's level error."""
    limit = measure(bench)
    assert limit is not None and limit.best.steps == 100
    ours, yardstick, best = (
        abs(np.log(analytic_variance(schedule, DEVIATION) / DEVIATION**2)) / 2
        for schedule in (SIX, published(YARDSTICK), long_schedule(100))
    )
    assert limit.means == pytest.approx((ours, yardstick, best), abs=0.02)  # the mel knows s of 64 samples alone
    assert limit.share == pytest.approx((ours - yardstick) / (best - yardstick), abs=0.05)


def test_the_share_is_blank_where_no_length_is_told_apart(bench):
    limit = measure(replace(bench, metrics=(EQUAL,)))
    assert limit is not None and limit.share is None
    text = limit_text(limit)
    assert ("No measured schedule" in text or "cannot tell the two apart" in text) and "ivanvovk-6" not in text


def test_fewer_steps_that_are_worse_than_the_yardstick_blame_no_network(bench):
    worse = log_snr_line(2, 8.0, 7.0)
    limit = measure(bench)
    assert limit is not None
    measure(bench, worse)
    assert worse.digest in bench.measured()
    assert bench.limit(worse) is None
    assert measure(bench, log_snr_line(4, 6.0, 0.0)) is not None  # better than the yardstick, in fewer steps


def test_another_length_pays_for_its_own_schedule_alone(bench, vocoder):
    measure(bench)
    again = reopened(bench)
    spent = len(vocoder.rows)
    limit = measure(again, TWELVE)
    assert len(vocoder.rows) - spent == 12
    assert limit is not None and limit.best.steps == 100
    spent = len(vocoder.rows)
    again_limit = measure(again, TWELVE)
    assert again_limit is not None and again_limit.means == limit.means
    assert len(vocoder.rows) == spent


def test_the_best_of_any_length_is_the_limit(bench):
    """A search of 150 steps left a winner that is better than the training schedule in 100."""
    first, winner = measure(bench), long_schedule(150)
    measure(bench, winner, seconds=30.0)
    limit = bench.limit(SIX)
    assert first is not None and limit is not None
    assert (first.best.steps, limit.best.steps) == (100, 150)
    assert first.share is not None and limit.share is not None and 0 < limit.share < first.share


@pytest.mark.parametrize("change", [{"vocoder": AnalyticVocoder(weights_hash="another")}, {"metrics": (EQUAL,)}])
def test_nothing_is_taken_from_another_network_or_metric(bench, change):
    measure(bench)
    assert bench.limit(SIX) is not None
    assert reopened(bench, **change).limit(SIX) is None


def test_nor_from_other_clips(bench):
    measure(bench)
    assert reopened(bench, clips=bench.clips[:7]).limit(SIX) is None


@pytest.mark.parametrize("seconds", [0.0, 4.0])
def test_where_the_time_is_too_short_nothing_is_measured(bench, vocoder, seconds):
    assert measure(bench, seconds=seconds) is None
    assert vocoder.rows == []


def test_a_report_goes_on_to_a_longer_schedule_where_there_is_time(bench):
    limits = [measure(bench), measure(bench, seconds=40.0), measure(bench, seconds=40.0, longer=True)]
    assert [limit and limit.longest for limit in limits] == [100, 100, 200]


def test_a_later_search_measures_a_longer_schedule_than_a_slow_one_had_time_for_and_each_length_once(
    bench, vocoder, monkeypatch
):
    lengths = []
    for seconds_a_step in (0.35, 0.35, 0.2, 0.35, 0.1, 0.1, 0.01):
        monkeypatch.setattr(LimitBench, "_seconds_a_step", lambda self, seconds=seconds_a_step: seconds)
        spent = len(vocoder.rows)
        measure(reopened(bench))
        lengths.append(len(vocoder.rows) - spent)
    assert lengths == [6 + 6 + 25, 0, 50, 0, 100, 0, 0]


def test_that_nothing_short_did_better_is_not_said(bench, monkeypatch):
    """25 steps are no measure of a network. Where they did better, they are."""
    monkeypatch.setattr(LimitBench, "_seconds_a_step", lambda self: 0.35)
    assert measure(replace(bench, metrics=(EQUAL,))) is None
    better = measure(bench)
    assert better is not None and better.longest == better.best.steps == 25


def test_a_damaged_file_is_measured_anew(bench):
    measure(bench)
    path = bench.cache._path
    path.write_text(path.read_text().replace('"steps"', '"stops"'))
    assert reopened(bench).limit(SIX) is None
    assert measure(reopened(bench)) is not None


# --- what is said -----------------------------------------------------------------------------------------------------


def limit_of(share: float | None, pesq: float = 3.0, error: float = 0.2) -> NetworkLimit:
    seed = count()

    def measured(steps: int) -> Measured:
        return Measured(str(next(seed)), steps, {"pesq_wb": Score(np.full((8, 1), pesq))})

    means = (5.0 - 2.0 * (share or 0.0), 5.0, 3.0)
    gap = Interval(-2.0, -2.5, -1.5) if share is not None else Interval(-0.1, -0.2, 0.1)
    room = Interval(means[2] - means[0], means[2] - means[0] - error, means[2] - means[0] + error)
    yardstick = replace(measured(6), name=YARDSTICK)
    return NetworkLimit(LEVEL, measured(6), yardstick, measured(100), 8, means, gap, room, 100)


def test_the_sentence_has_what_is_left_to_gain_and_the_share():
    assert limit_text(limit_of(0.78)) == (
        "In 6 steps this network reaches 3.440 in level_error; the best that was measured with it is 3.000, in 100 "
        "steps. More steps still gain 0.4400 (95 %: 0.2400 to 0.6400; 8 held-out clips). Of the gain of the best over "
        "ivanvovk-6 (5.000), 78 % is reached."
    )
    assert limit_text(limit_of(-0.4)).endswith("0 % is reached.")


def test_where_nothing_did_better_it_says_so():
    said = (
        "No measured schedule of up to 100 steps did better with this network than 3.000 in level_error, which this "
        "one has in 6 steps (8 held-out clips)."
    )
    limit = limit_of(1.0)
    assert limit_text(replace(limit, best=limit.shipped)) == said
    # The best of all clips may be worse on those that are sound in all three schedules.
    assert limit_text(replace(limit, means=(3.0, 5.0, 3.4), room=Interval(0.4, 0.2, 0.6))) == said
    higher = replace(LEVEL, direction="maximize")
    assert limit_text(replace(limit, metric=higher, room=Interval(-0.4, -0.6, -0.2))) == said


def test_clips_that_cannot_tell_settle_nothing():
    """A share of 97 % is no sign that little is left: ivanvovk-6 fails in lmnt's and coqui's samplers."""
    assert limit_text(limit_of(0.97)).endswith(", in 100 steps: 8 held-out clips cannot tell the two apart.")
    assert "More steps still gain 0.0600 (95 %: 0.0100 to 0.1100" in limit_text(limit_of(0.97, error=0.05))


def test_a_yardstick_that_is_not_told_from_the_best_is_not_named():
    assert "ivanvovk-6" not in limit_text(limit_of(None))
    assert "More steps still gain 2.0000" in limit_text(limit_of(None))


def test_another_schedule_that_did_better_is_never_denied():
    """The best that was measured may be an earlier search's winner: then the text must not say that none is better."""
    limit = limit_of(0.4)
    text = limit_text(replace(limit, best=replace(limit.shipped, name="winner before")))
    assert "is 3.000, in 6 steps. Another schedule still gains 1.2000" in text


def test_one_clip_says_nothing_of_a_limit():
    assert limit_text(replace(limit_of(None), gap=None, room=None, clips=1)) == ""


@pytest.mark.parametrize("share", [0.9, None])
def test_an_under_trained_network_is_told_so(share):
    assert "under-trained" not in limit_text(limit_of(share))
    assert "It is under-trained: even there its PESQ is 1.35, and 2 is poor" in limit_text(limit_of(share, pesq=1.35))
    assert "under-trained, as the check of the voice says" in limit_text(limit_of(share), is_weak=True)


def test_search_and_report_say_it(toy: Toy, request, monkeypatch, capsys):
    stand_in(request, limit_seconds=20.0)
    monkeypatch.setattr(LimitBench, "_seconds_a_step", lambda self: 0.1)
    assert toy.search("--budget", "1candidates") == 0
    assert "this network" in capsys.readouterr().out
    assert "this network" in (toy.folder / "report.html").read_text()
    before = (toy.folder.parent / "network_limit.jsonl").read_text()
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results"), "--dataset", "toy"]
    assert main(["report", "--iters", "6", "--long-seconds", "30", *places]) == 0
    after = (toy.folder.parent / "network_limit.jsonl").read_text()
    assert after.startswith(before) and len(after) > len(before)
