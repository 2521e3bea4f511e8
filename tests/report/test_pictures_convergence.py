"""The picture of a search: what was best when, and every candidate once."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import NO_WARNINGS
from hypothesis import given
from hypothesis import strategies as st

from schedsearch.evaluation.estimates import BETWEEN
from schedsearch.evaluation.scores import Score
from schedsearch.report.pictures.convergence import best_so_far, convergence, evaluations
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.candidate import Candidate

LESS, MORE = Quantity("log_mel_l1", "ln power", "minimize"), Quantity("stoi", "correlation", "maximize")


@st.composite
def found(draw):
    """A candidate: whole, stopped by the race, or failed."""
    kind, value = draw(st.sampled_from(["whole", "stopped", "failed"])), draw(st.floats(-100, 100))
    return candidate(value, kind, cost=draw(st.integers(1, 999)))


def candidate(value, kind="whole", *, name="trial", cost=10):
    score = Score(np.full((2, 1), value if kind == "whole" else np.nan), ("silent",) if kind == "failed" else ())
    estimate = value if kind == "stopped" else None
    return Candidate(name, "tpe", NoiseSchedule(np.array([0.1])), {"metric": score}, 1.0, cost, 0, estimate)


BASELINE = candidate(1.5, name="baseline")


def drawn(candidates, baselines=(BASELINE,), quantity=LESS, *, winner=None, pair=0.0, other_evaluations=0):
    """The picture. Without a winner the star is left out: it marks a schedule that was proposed."""
    chosen = winner or candidate(1.0, name="never proposed")
    return convergence(
        candidates, baselines or (BASELINE,), quantity, winner=chosen, pair=pair, other_evaluations=other_evaluations
    )


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def star_of(axes: Any) -> Any:
    """The container of the winner's star and its bar."""
    return next(c for c in axes.containers if c.get_label().startswith("winner"))


def dots(figure):
    """Of all kinds of candidates."""
    kinds = ("candidate", "stopped by the race, at its estimate", "beyond this scale", "failed")
    return [line for label, line in lines(figure).items() if label in kinds]


@pytest.mark.slow
@given(candidates=st.lists(found(), max_size=12), quantity=st.sampled_from([LESS, MORE]))
def test_the_best_so_far_never_gets_worse_and_ends_at_the_best(candidates, quantity):
    best = best_so_far(candidates, quantity.sign)
    kept = best[np.isfinite(best)]
    assert (quantity.sign * np.diff(kept) <= 0).all()
    whole = [c.score.mean for c in candidates if c.whole]
    assert len(kept) == 0 if not whole else kept[-1] == (min if quantity is LESS else max)(whole)


@pytest.mark.parametrize("quantity", [LESS, MORE])
@pytest.mark.parametrize("seed", range(5))
def test_the_picture_holds_the_best_so_far_and_every_candidate_once(quantity, seed):
    draw = np.random.default_rng(seed)
    kinds = draw.choice(["whole", "stopped", "failed"], 40, p=[0.6, 0.3, 0.1])
    values, costs = draw.standard_cauchy(40), draw.integers(1, 99, 40)
    candidates = [candidate(v, k, cost=int(c)) for v, k, c in zip(values, kinds, costs, strict=True)]
    figure = drawn(candidates, [candidate(0.5, name="given")], quantity)
    best = lines(figure)["best searched so far"]
    np.testing.assert_array_equal(best.get_ydata(), best_so_far(candidates, quantity.sign))
    np.testing.assert_array_equal(best.get_xdata(), np.cumsum([c.network_evaluations for c in candidates]))
    everywhere = sorted(x for line in dots(figure) for x in line.get_xdata())
    assert everywhere == sorted(evaluations(candidates))
    assert len({line.get_marker() for line in dots(figure)}) == len(dots(figure))
    low, high = figure.axes[0].get_ylim()
    assert all(low < y < high for line in dots(figure) for y in line.get_ydata())
    assert low < best.get_ydata()[-1] < high


def test_what_the_race_stopped_stands_at_its_estimate_under_another_marker():
    figure = drawn([candidate(1.0), candidate(1.5, "stopped"), candidate(1.2)], [], LESS)
    stopped = lines(figure)["stopped by the race, at its estimate"]
    assert list(stopped.get_xdata()) == [20]
    assert list(stopped.get_ydata()) == [1.5]
    assert stopped.get_marker() != lines(figure)["candidate"].get_marker()


def test_the_baselines_best_is_a_level_line_and_failed_ones_are_none():
    given = [candidate(2.0, name="b"), candidate(1.0, name="a"), candidate(0.1, "failed", name="broken")]
    line = lines(drawn([candidate(3.0)], given, LESS))["best baseline: a"]
    assert list(line.get_ydata()) == [1.0, 1.0]
    assert line.get_linestyle() != "-"


def test_the_winner_is_marked_where_it_was_proposed_at_what_is_expected_of_it():
    two = candidate(1.1, name="two")
    figure = drawn([candidate(1.0, name="one"), two], [], LESS, winner=replace(two, expectation=1.05))
    star = star_of(figure.axes[0])
    assert (list(star.lines[0].get_xdata()), list(star.lines[0].get_ydata())) == ([20], [1.05])


def test_the_best_so_far_and_the_winner_have_the_intervals_of_their_means():
    candidates, winner = [candidate(2.0), candidate(3.0), candidate(1.0, name="last")], candidate(1.0, name="last")
    pair = 0.04
    half = 1.96 * np.sqrt(pair * (BETWEEN / 2 + (1 - BETWEEN) / 2))  # two clips, one draw: test_estimates.py
    axes = drawn(candidates, [], LESS, winner=winner, pair=pair).axes[0]
    [band] = [c for c in axes.collections if c.get_label() == "95 % interval of the best so far"]
    heights = np.unique(np.round(np.asarray(band.get_paths()[0].vertices)[:, 1], 9))
    assert heights == pytest.approx([1 - half, 1 + half, 2 - half, 2 + half])
    [[(_, low), (_, high)]] = star_of(axes).lines[2][0].get_segments()
    assert (low, high) == pytest.approx((1 - half, 1 + half))
    assert not drawn(candidates, [], LESS, winner=winner).axes[0].collections


def test_a_published_baseline_s_name_is_not_cut():
    given = candidate(1.0, name="fibonacci-25 repeated to 100")
    [legend] = drawn([candidate(2.0)], [given], LESS).legends
    assert "best baseline: fibonacci-25 repeated to 100" in [text.get_text() for text in legend.get_texts()]


def test_evaluations_beside_scoring_are_told_in_the_label():
    assert "1,234 more" in drawn([candidate(1.0)], [], LESS, other_evaluations=1234).axes[0].get_xlabel()
    assert "more" not in drawn([candidate(1.0)], [], LESS).axes[0].get_xlabel()


@NO_WARNINGS
@pytest.mark.parametrize(
    ("candidates", "baselines"),
    [
        ([candidate(1.0)], [candidate(1.0)]),
        ([candidate(0.0)], [candidate(0.0)]),
        ([candidate(1.0), candidate(1.0, "stopped")], [candidate(np.nan, "failed"), candidate(1.0)]),
        ([candidate(1e300), candidate(-1e300)], [candidate(1.0)]),
    ],
)
def test_little_to_show_is_a_picture_all_the_same(candidates, baselines):
    assert png(drawn(candidates, baselines, LESS))


def test_a_search_s_picture_ends_at_its_store_s_best(toy, memory):
    toy.search("--budget", "6candidates", "--strategy", "tpe")
    store = toy.store()
    line = lines(drawn(store.candidates(), store.baselines(), LESS))["best searched so far"]
    assert line.get_ydata()[-1] == min(c.score.mean for c in store.candidates() if c.whole)
    assert line.get_xdata()[-1] == sum(c.network_evaluations for c in store.candidates())
