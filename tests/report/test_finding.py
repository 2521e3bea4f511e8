"""The words of a verdict follow from its numbers, whoever wins, ties or fails."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.paired import Outcome, compare
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.registry import Metric
from schedsearch.metrics.words import in_words, words_and_name
from schedsearch.report.comparison_facts import better_side
from schedsearch.report.finding import lines, sentence, signed, stored_finding, verdict_finding
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
        ("lsd", 1.0, "searched-6 is better than b and ships. On {} 50.0 % better on average in {}, better on 12 of 12"),
        ("lsd", 3.0, "b ships: searched-6 is worse. On {} 50.0 % worse on average in {}, better on 0 of 12. "),
        ("lsd", 2.0, "b ships: searched-6 is not told apart from it. On {} 0.0 % "),
        ("pesq_wb", 3.0, "searched-6 is better than b and ships. On {} 50.0 % better on average in {}, better on 12"),
        ("pesq_wb", 1.0, "b ships: searched-6 is worse. On {} 50.0 % worse on average in {}, better on 0 of 12. "),
    ],
)
def test_the_sign_and_the_metric_s_better_side_decide_the_word(name, searched, said):
    noise = np.random.default_rng(0).normal(0, 0.1, (CLIPS, 1))
    noise -= noise.mean()
    told = sentence(judged(of(name, Score(searched + noise), score(2.0))))
    words = {"lsd": "log-spectral distance (lsd)", "pesq_wb": "speech quality (pesq_wb)"}[name]
    assert told.startswith(said.format("12 clips that the search never heard, searched-6 is", words))
    side = {"lsd": "lower", "pesq_wb": "higher"}[name]
    assert told.endswith(f" ({side} is better), 12 held-out clips x 1 fresh draw.")
    assert f"Difference {searched - 2:+.4f}, 95 % interval " in told


def test_metrics_in_which_the_shipped_schedule_is_worse_are_named():
    main = of("lsd", score(1.0), score(2.0))
    others = [
        of("pesq_wb", score(1.4), score(1.7)),  # worse
        of("stoi", score(0.9), score(0.8)),  # better
        of("mcd", score(5.0, spread=2.0), score(4.9)),  # a tie
        of("log_mel_l1", score(1.3), score(1.2)),  # worse
        of("level", score(-5.0), score(-1.0)),  # no side is better
    ]
    worse = "No clear change: cepstral distance (mcd). Worse: speech quality (pesq_wb), mel distance (log_mel_l1)."
    assert lines(judged(main, *others))[1] == worse
    assert lines(judged(main, *others[1:3]))[1] == "No clear change: cepstral distance (mcd)."
    assert len(lines(judged(main, others[1]))) == 2
    assert "Worse" not in sentence(judged(of("lsd", score(2.0), score(1.0)), *others))


def test_metrics_in_which_the_shipped_schedule_fails_more_often_are_named():
    main = of("lsd", score(1.0), score(2.0))
    others = [
        of("pesq_wb", score(3.0, failed=2), score(2.0, failed=1)),  # better on the clips that have both
        of("stoi", score(0.7, failed=1), score(0.8)),  # worse on them too
        of("mcd", score(1.0, failed=1), score(2.0, failed=1)),
    ]
    told = lines(judged(main, *others))[1]
    assert told == "Worse: intelligibility (stoi). Fails more often: speech quality (pesq_wb), intelligibility (stoi)."
    assert lines(judged(main, others[0]))[1] == "Fails more often: speech quality (pesq_wb)."
    assert len(lines(judged(main, others[2]))) == 2


def test_what_fails_more_often_is_called_better_nowhere():
    failing = of("pesq_wb", score(3.0, failed=2), score(2.0, failed=1))
    assert not failing.better
    assert failing.difference.low > 0  # better on the clips that have both
    assert failing.outcome is Outcome.FAILS_MORE
    verdict = judged(of("lsd", score(1.0), score(2.0)), failing)
    assert other_objectives(verdict, ["lsd", "pesq_wb"]).endswith(" fails more often in speech quality (pesq_wb).")
    assert [row.split()[-1] for row in table(verdict).splitlines()[1:]] == ["better", "often"]


def test_what_fails_on_all_clips_fails_more_often_everywhere():
    verdict = judged(of("lsd", score(1.0, failed=CLIPS), score(2.0)))
    assert verdict_finding(verdict).outcome is verdict.comparisons[0].outcome is Outcome.FAILS_MORE
    assert table(verdict).splitlines()[1].endswith("fails more often")


@pytest.mark.parametrize(
    ("name", "searched", "said"),
    [("lsd", 1.0, "better"), ("stoi", 1.0, "worse"), ("lsd", 2.0, "not told apart"), ("level", 1.0, "")],
)
def test_every_row_of_the_table_ends_with_what_its_interval_settles(name, searched, said):
    _, row = table(judged(of(name, score(searched), score(2.0, spread=0.02)))).splitlines()
    assert row.endswith(f"] {said}".rstrip()) or row.endswith(f"  {said}")


def test_a_difference_that_settles_is_never_written_as_nothing():
    small = judged(of("stoi", score(0.90002, spread=0.0), score(0.9, spread=0.0)))
    told = sentence(small)
    assert "searched-6 is 0.0022 % better on average in intelligibility (stoi), better on 12 of 12. " in told
    assert "Difference +0.000020, 95 % interval +0.000020 to" in told
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
        (Interval(1e-12, -4e-13, 2e-12), ("+1.000e-12", "-4.000e-13", "+2.000e-12")),
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
    assert ("b ships: searched-6 fails more often in" in sentence(verdict)) == (ships == "b")
    assert verdict_finding(verdict).outcome == ("fails more often" if ships == "b" else "better")


def test_where_all_failed_there_is_no_verdict_and_the_baseline_ships():
    told = sentence(judged(of("pesq_wb", score(3.0, failed=CLIPS), score(2.0))))
    assert told == (
        "No verdict: speech quality (pesq_wb) has values of both schedules on 0 of 12 held-out clips (failures: "
        "searched 12, b 0), and a comparison needs 2; b ships."
    )


def test_one_clip_is_too_few_and_did_not_fail():
    verdict = judged(of("lsd", score(1.0, clips=1), score(2.0, clips=1)))
    told = sentence(verdict)
    assert told == (
        "No verdict: log-spectral distance (lsd) has values of both schedules on 1 of 1 held-out clip, and a "
        "comparison needs 2; b ships."
    )
    assert "nan" not in table(verdict)
    assert "fail" not in table(verdict)
    assert "fewer than 2 clips to compare" in table(verdict)


def test_the_table_counts_failures_and_shows_no_mean_of_the_rest():
    told = table(judged(of("lsd", score(1.0), score(2.0)), of("pesq_wb", score(3.0, failed=12), score(2.0, failed=1))))
    assert "nan" not in told
    assert told.splitlines()[-1].split("   ")[0].startswith("speech quality (pesq_wb)")
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
        study = SimpleNamespace(user_attrs={"identity": {"iterations": 6}})

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
        "log-spectral distance (lsd) alone decides; the searched schedule is worse in speech quality (pesq_wb), "
        "fails more often in intelligibility (stoi)."
    )
    assert other_objectives(verdict, ["lsd"]) == ""


def test_a_metric_that_nobody_knows_has_no_side():
    assert [better_side(name) for name in ("mine", "level", "pesq_nb", "distill_mos", "lsd")] == [
        "",
        "",
        "higher is better",
        "higher is better",
        "lower is better",
    ]


@pytest.mark.parametrize(
    ("metric", "words"),
    [("pesq_wb", "speech quality"), ("spectral_pesq_nb", "overall score"), ("mine", "mine")],
)
def test_a_metric_is_named_in_words_with_its_column_beside(metric, words):
    assert in_words(metric) == words
    assert words_and_name(metric) == (metric if words == metric else f"{words} ({metric})")


def test_every_metric_of_the_catalogue_has_words_of_its_own():
    names = [d.name for d in catalogue(16_000)]
    assert len({in_words(name) for name in names}) == len(names)
    assert not any("_" in in_words(name) for name in names)


def test_a_run_json_of_before_says_no_number_of_clips():
    verdict = judged(of("lsd", score(1.0), score(2.0)))
    finding = replace(verdict_finding(verdict), better_clips=None)
    assert lines(finding)[0] == (
        "searched-6 is better than b and ships. On 12 clips that the search never heard, searched-6 is 50.0 % better "
        "on average in log-spectral distance (lsd)."
    )
