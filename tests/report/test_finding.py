"""The words of a verdict follow from its numbers, whoever wins, ties or fails."""

from types import SimpleNamespace

import numpy as np
import pytest

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.paired import Outcome, compare
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.registry import Metric
from schedsearch.report.finding import better_side, sentence, signed, stored_finding, verdict_finding
from schedsearch.report.summary import other_objectives, table
from schedsearch.report.tables import provenance
from schedsearch.schedules.named import published
from schedsearch.search.verdict import Verdict
from schedsearch.study.candidate import Candidate

CLIPS = 12
SPREAD = np.linspace(-1.0, 1.0, CLIPS)[:, None]  # [clip, draw], of mean 0


def metric(name, rate=16_000):
    [found] = [d for d in catalogue(rate) if d.name == name]
    return Metric(found.name, found.unit, found.direction, lambda reference, estimate: [], found.ranks)


def score(mean, *, failed=0, spread=0.01, clips=CLIPS):
    values = mean + spread * SPREAD[:clips]
    values[:failed] = np.nan
    return Score(values, tuple(f"clip {i}, draw 0: silent" for i in range(failed)))


def of(name, searched, baseline):
    return compare(metric(name), searched, baseline, 0)


def judged(*comparisons):
    """The first decides."""
    winner, baseline = (
        Candidate(name, kind, published("fastdiff-6"), {}, 1.0, 1)
        for name, kind in (("trial 3", "tpe"), ("b", "baseline"))
    )
    return Verdict((winner, baseline), comparisons[0].metric, comparisons)


@pytest.mark.parametrize(
    ("name", "searched", "said"),
    [
        ("lsd", 1.0, "The searched schedule ships: it is better than b, lsd -1.0000 "),
        ("lsd", 3.0, "b ships: the searched schedule is worse, lsd +1.0000 "),
        ("lsd", 2.0, "b ships: the searched schedule is not told apart from it, lsd +0.0000 "),
        ("pesq_wb", 3.0, "The searched schedule ships: it is better than b, pesq_wb +1.0000 "),
        ("pesq_wb", 1.0, "b ships: the searched schedule is worse, pesq_wb -1.0000 "),
    ],
)
def test_the_sign_and_the_metric_s_better_side_decide_the_word(name, searched, said):
    noise = np.random.default_rng(0).normal(0, 0.1, (CLIPS, 1))
    noise -= noise.mean()
    told = sentence(judged(of(name, Score(searched + noise), score(2.0))))
    assert told.startswith(said)
    side = {"lsd": "lower", "pesq_wb": "higher"}[name]
    assert told.endswith(f", {side} is better), 12 held-out clips x 1 fresh draw.")


def test_metrics_in_which_the_shipped_schedule_is_worse_are_named():
    main = of("lsd", score(1.0), score(2.0))
    others = [
        of("pesq_wb", score(1.4), score(1.7)),  # worse
        of("stoi", score(0.9), score(0.8)),  # better
        of("mcd", score(5.0, spread=2.0), score(4.9)),  # a tie
        of("log_mel_l1", score(1.3), score(1.2)),  # worse
        of("level", score(-5.0), score(-1.0)),  # no side is better
    ]
    assert sentence(judged(main, *others)).endswith(" It is worse in pesq_wb, log_mel_l1.")
    assert "It is worse" not in sentence(judged(main, *others[1:3]))
    assert "It is worse" not in sentence(judged(of("lsd", score(2.0), score(1.0)), *others))


def test_metrics_in_which_the_shipped_schedule_fails_more_often_are_named():
    main = of("lsd", score(1.0), score(2.0))
    others = [
        of("pesq_wb", score(3.0, failed=2), score(2.0, failed=1)),  # better on the clips that have both
        of("stoi", score(0.7, failed=1), score(0.8)),  # worse on them too
        of("mcd", score(1.0, failed=1), score(2.0, failed=1)),
    ]
    told = sentence(judged(main, *others))
    assert told.endswith(" It is worse in stoi and fails more often in pesq_wb, stoi.")
    assert sentence(judged(main, others[0])).endswith(" It fails more often in pesq_wb.")
    assert sentence(judged(main, others[2])).endswith("fresh draw.")


def test_what_fails_more_often_is_called_better_nowhere():
    failing = of("pesq_wb", score(3.0, failed=2), score(2.0, failed=1))
    assert not failing.better
    assert failing.difference.low > 0  # better on the clips that have both
    assert failing.outcome is Outcome.FAILS_MORE
    verdict = judged(of("lsd", score(1.0), score(2.0)), failing)
    assert other_objectives(verdict, ["lsd", "pesq_wb"]).endswith(" schedule fails more often in pesq_wb.")
    assert [row.split()[-1] for row in table(verdict).splitlines()[1:]] == ["better", "often"]


@pytest.mark.parametrize(
    ("name", "searched", "said"),
    [("lsd", 1.0, "better"), ("stoi", 1.0, "worse"), ("lsd", 2.0, "not told apart"), ("level", 1.0, "")],
)
def test_every_row_of_the_table_ends_with_what_its_interval_settles(name, searched, said):
    _, row = table(judged(of(name, score(searched), score(2.0, spread=0.02)))).splitlines()
    assert row.endswith(f"] {said}".rstrip()) or row.endswith(f"  {said}")


def test_a_difference_that_settles_is_never_written_as_nothing():
    small = judged(of("stoi", score(0.90002, spread=0.0), score(0.9, spread=0.0)))
    assert "stoi +0.000020 (95 % interval +0.000020 to +0.000020, " in sentence(small)
    assert "+0.000020  [+0.000020, +0.000020]" in table(small)


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        (Interval(-0.0282, -0.0462, -0.0109), ("-0.0282", "-0.0462", "-0.0109")),
        (Interval(-1e-12, -0.5, 0.4), ("+0.0000", "-0.5000", "+0.4000")),
        (Interval(12.5, -1.0, 30.0), ("+12.5000", "-1.0000", "+30.0000")),
        (Interval(0.0, 0.0, 0.0), ("+0.0000", "+0.0000", "+0.0000")),
        (Interval(-0.0, -0.0, 0.0), ("+0.0000", "+0.0000", "+0.0000")),
        (Interval(1e-3, 4e-6, 2e-3), ("+0.0010000", "+0.0000040", "+0.0020000")),
        (Interval(1.0, 1e-12, 2.0), ("+1.00000000", "+0.00000000", "+2.00000000")),
    ],
)
def test_numbers_have_the_digits_that_they_need(interval, shown):
    assert signed(interval) == shown


def test_clips_that_failed_are_not_counted_as_compared_and_each_side_is_told():
    told = sentence(judged(of("lsd", score(1.0, failed=1), score(2.0, failed=3))))
    assert told.endswith(", 9 of 12 held-out clips x 1 fresh draw (failures: searched 1, b 3).")


@pytest.mark.parametrize("failed, ships", [((3, 1), "b"), ((1, 1), "trial 3"), ((0, 2), "trial 3")])
def test_a_schedule_that_fails_more_often_than_the_baseline_never_ships(failed, ships):
    verdict = judged(of("lsd", score(1.0, failed=failed[0]), score(2.0, failed=failed[1])))
    assert verdict.shipped.name == ships
    assert ("b ships: the searched schedule fails more often" in sentence(verdict)) == (ships == "b")
    assert verdict_finding(verdict).outcome == ("fails more often" if ships == "b" else "better")


def test_where_all_failed_there_is_no_verdict_and_the_baseline_ships():
    told = sentence(judged(of("pesq_wb", score(3.0, failed=CLIPS), score(2.0))))
    assert told == (
        "No verdict: pesq_wb has values of both schedules on 0 of 12 held-out clips (failures: searched 12, b 0), and "
        "a comparison needs 2; b ships."
    )


def test_one_clip_is_too_few_and_did_not_fail():
    verdict = judged(of("lsd", score(1.0, clips=1), score(2.0, clips=1)))
    told = sentence(verdict)
    assert told == (
        "No verdict: lsd has values of both schedules on 1 of 1 held-out clip, and a comparison needs 2; b ships."
    )
    assert "nan" not in table(verdict)
    assert "fail" not in table(verdict)
    assert "fewer than 2 clips to compare" in table(verdict)


def test_the_table_counts_failures_and_shows_no_mean_of_the_rest():
    told = table(judged(of("lsd", score(1.0), score(2.0)), of("pesq_wb", score(3.0, failed=12), score(2.0, failed=1))))
    assert "nan" not in told
    assert told.splitlines()[-1].split("   ")[0].startswith("pesq_wb")
    assert "12 of 12 failed" in told
    assert "1 of 12 failed" in told


@pytest.mark.parametrize(
    "comparison",
    [
        of("lsd", score(1.0), score(2.0)),
        of("lsd", score(3.0, failed=2), score(2.0)),
        of("lsd", score(1.0, failed=2), score(2.0)),
        of("pesq_wb", score(1.0, failed=12), score(2.0)),
    ],
)
def test_what_run_json_keeps_makes_the_same_sentence(comparison, memory_store):
    failing = of("mcd", score(1.0, failed=1), score(2.0))
    verdict = judged(comparison, of("stoi", score(0.8), score(0.9)), failing, of("level", score(-1.0), score(0.0)))
    told = provenance(memory_store, verdict)
    assert stored_finding(told) == verdict_finding(verdict)
    assert sentence(stored_finding(told)) == sentence(verdict)


@pytest.fixture
def memory_store():
    """What `provenance` asks of a store."""

    class Empty:
        study = SimpleNamespace(user_attrs={"identity": {}})

        def candidates(self):
            return []

        def work(self):
            return 0.0, 0

    return Empty()


def test_other_objectives_are_told_beside_the_one_that_decides():
    verdict = judged(
        of("lsd", score(1.0), score(2.0)),
        of("pesq_wb", score(1.0), score(2.0)),
        of("stoi", score(0.9, failed=12), score(0.9)),
        of("mcd", score(1.0), score(2.0)),
    )
    assert other_objectives(verdict, ["lsd", "pesq_wb", "stoi"]) == (
        "lsd alone decides; the searched schedule is worse in pesq_wb, is not comparable in stoi."
    )
    assert other_objectives(verdict, ["lsd"]) == ""


def test_a_metric_that_nobody_knows_has_no_side():
    assert [better_side(name) for name in ("mine", "level", "pesq_nb", "lsd")] == [
        "",
        "",
        "higher is better",
        "lower is better",
    ]
