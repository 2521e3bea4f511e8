"""Makes a run's page from its store and verdict, with finished audio and pictures."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.paired import Comparison, Outcome
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import counted
from schedsearch.metrics.registry import Metric
from schedsearch.metrics.words import in_words
from schedsearch.report.finding import lines
from schedsearch.report.limit_text import limit_of_run
from schedsearch.report.page import content
from schedsearch.report.page.content import (
    Cell,
    Column,
    Listening,
    Page,
    Picture,
    Table,
    difference_texts,
    number_cell,
    numbers,
)
from schedsearch.report.plan import few_clips
from schedsearch.report.summary import TOO_FEW, failures, other_objectives, why_it_ended
from schedsearch.report.tables import provenance
from schedsearch.report.titles import title_and_row
from schedsearch.search.run import Run
from schedsearch.search.verdict import Verdict
from schedsearch.study.candidate import Candidate
from schedsearch.study.store import Store

MOST_TRIALS = 50
FILES = ("schedule.pt", "schedule.lmnt.npy", "schedule.coqui.npy", "schedule.json", "leaderboard.csv", "trials.csv",
         "pareto.csv", "run.json")  # fmt: skip


def run_page(run: Run, verdict: Verdict, *, listening: Listening, pictures: Sequence[Picture]) -> Page:
    """Returns the page of one search."""
    headline, *sentences = lines(verdict)
    context = (
        *sentences,
        *failures(verdict),
        _searched(run),
        f"{few_clips(run).capitalize()}." if few_clips(run) else "",
        why_it_ended(run),
        other_objectives(verdict, run.store.objectives),
        _agreement(verdict, run.metrics),
        limit_of_run(run, verdict),
    )
    return Page(
        title=f"{run.voice.dataset}, {run.voice.sample_rate} Hz, {_steps(run)}: schedsearch",
        verdicts=(("", headline, verdict.improves),),
        context=tuple(filter(None, context)),
        baseline=verdict.baseline.name,
        comparisons=tuple(_comparison(c, run.metrics[c.metric]) for c in verdict.comparisons),
        tables=(_leaderboard(verdict, run.metrics), _trials(run.store, run.metrics)),
        pictures=tuple(pictures),
        listening=listening,
        provenance=_provenance(provenance(run.store, verdict), verdict),
        files=tuple(name for name in FILES if (run.folder / name).is_file()),
    )


def _searched(run: Run) -> str:
    candidates = counted(len(run.store.candidates()), "candidate")
    return (
        f"{run.voice.dataset} at {run.voice.sample_rate} Hz, {_steps(run)}, {candidates} tried "
        f"on {counted(len(run.clips.excerpts), 'search clip')}, judged on {counted(len(run.clips.held_out), 'other')}"
        + (". The network is told mels of a TTS, not the recordings' own." if run.voice.mels else ".")
    )


def _steps(run: Run) -> str:
    return counted(run.settings.iterations, "step")


def _agreement(verdict: Verdict, metrics: Mapping[str, Metric]) -> str:
    """Counts the outcomes in all metrics: a schedule that ships by its objective may lose elsewhere."""
    ranking = [c for c in verdict.comparisons if metrics[c.metric].ranks]
    by_outcome = {outcome: [c.metric for c in ranking if c.outcome is outcome] for outcome in Outcome}
    better, worse, ties = (len(by_outcome[key]) for key in (Outcome.BETTER, Outcome.WORSE, Outcome.TIE))
    failing, missing = (", ".join(by_outcome[key]) for key in (Outcome.FAILS_MORE, Outcome.NO_COMPARISON))
    return (
        f"Of the metrics that have a better side ({len(ranking)}), the searched schedule is better in {better}, worse "
        f"in {worse} and not told apart from the best baseline in {ties}, each at 95 %"
        + (f"; it fails more often in: {failing}" if failing else "")
        + (f"; not comparable: {missing}." if missing else ".")
    )


def _comparison(comparison: Comparison, metric: Metric) -> content.Comparison:
    difference = comparison.difference
    mean, interval = difference_texts(difference)
    return content.Comparison(
        metric=metric.name,
        summary=metric.summary,
        words=in_words(metric.name),
        unit="" if metric.unit == "1" else metric.unit,
        better_side=_better_side(metric),
        searched=_mean_and_error(comparison.winner),
        baseline=_mean_and_error(comparison.baseline),
        difference=mean if difference else TOO_FEW,
        interval=interval,
        outcome=comparison.outcome.label if metric.ranks and comparison.outcome is not Outcome.NO_COMPARISON else "",
        whisker=_whisker(difference),
    )


def _whisker(difference: Interval | None) -> tuple[float, float, float] | None:
    """Returns low, mean and high as parts of the end that is farther from zero."""
    widest = max(abs(difference.low), abs(difference.high)) if difference else 0.0
    if difference is None or widest == 0:
        return None
    return difference.low / widest, difference.mean / widest, difference.high / widest


def _better_side(metric: Metric) -> str:
    return metric.better_side or "neither side is better"


def _mean_and_error(score: Score) -> str:
    if score.failures:
        return f"{len(score.failures)} of {score.values.size} failed"
    mean, error = numbers((score.mean, score.standard_error))
    return mean if math.isnan(score.standard_error) else f"{mean} ± {error}"


def _leaderboard(verdict: Verdict, metrics: Mapping[str, Metric]) -> Table:
    """Lists finalists, then the other baselines, with the held-out scores of winner and baseline."""
    main, *_ = verdict.comparisons
    held_out = {verdict.winner.name: main.winner, verdict.baseline.name: main.baseline}
    objective, metric = verdict.objective, metrics[verdict.objective]
    columns = (
        Column("Schedule", numeric=False),
        Column("Found by", numeric=False),
        _score_column(f"{in_words(objective)} on search clips", metric),
        Column("± SE", "over clips"),
        Column("Rounds", "of scoring; those that lead have further ones, on longer excerpts"),
        Column("Expected", "given the scores of all schedules"),
        _score_column(f"{in_words(objective)} held out", metric),
        Column("Ships", numeric=False, best_first="descending"),
    )
    leaders = [*verdict.finalists, *verdict.other_baselines]
    rows = tuple(_leader(c, held_out.get(c.name), verdict) for c in leaders)
    # Unsorted at first: finalists were scored in more rounds than the baselines after them.
    return Table("leaderboard", "Leaderboard: finalists and baselines", columns, rows)


def _leader(candidate: Candidate, held_out: Score | None, verdict: Verdict) -> tuple[Cell, ...]:
    ships = candidate.name == verdict.shipped.name
    return (
        Cell(title_and_row(candidate, verdict)),
        Cell(candidate.kind),
        Cell("failed") if candidate.failures else number_cell(candidate.score.mean),
        number_cell(candidate.score.standard_error),
        number_cell(candidate.rounds, 0),
        number_cell(candidate.expected),
        _score_cell(held_out) if held_out else Cell("–"),
        Cell("ships" if ships else "", mark="better" if ships else ""),
    )


def _trials(store: Store, metrics: Mapping[str, Metric]) -> Table:
    """Lists the best candidates; a candidate that the race stopped stands at its estimate."""
    ranked = sorted(store.candidates(), key=lambda c: _loss(c, store))
    shown = ranked[:MOST_TRIALS]
    which = f"the best {len(shown)} of {len(ranked)}" if len(shown) < len(ranked) else f"all {len(shown)}"
    columns = (
        Column("Candidate", numeric=False),
        Column("Found by", numeric=False),
        _score_column(in_words(store.objective), metrics[store.objective]),
        Column("Scored", numeric=False),
        Column("Network evaluations"),
        Column("Seconds"),
        Column("Betas", "cleanest first", numeric=False),
    )
    return Table("trials", f"Candidates: {which}", columns, tuple(_trial(c, store) for c in shown), 2)


def _trial(candidate: Candidate, store: Store) -> tuple[Cell, ...]:
    loss = candidate.losses(store.signs)[0]
    return (
        Cell(candidate.name, candidate.index),
        Cell(candidate.kind),
        number_cell(store.signs[store.objective] * loss),
        Cell(_scored(candidate)),
        Cell(f"{candidate.network_evaluations:,}", candidate.network_evaluations),
        number_cell(candidate.seconds, 1),
        Cell(_betas(candidate)),
    )


def _scored(candidate: Candidate) -> str:
    if candidate.failures:
        return f"failed: {candidate.failures[0]}"
    if candidate.draws is not None:
        return f"on {counted(sum(draw >= 0 for draw in candidate.draws), 'clip')}, estimate"
    return "in every draw of every clip" if candidate.whole else "stopped by the race, estimate"


def _betas(candidate: Candidate) -> str:
    shown = [f"{beta:.3g}" for beta in candidate.schedule.betas]
    return " ".join(shown if len(shown) <= 12 else [*shown[:4], "…", *shown[-4:]])


def _score_column(title: str, metric: Metric) -> Column:
    order: content.Order = "ascending" if metric.direction == "minimize" else "descending"
    return Column(title, f"{metric.name}, {_better_side(metric)}", best_first=order)


def _score_cell(score: Score) -> Cell:
    return Cell("failed") if score.failures else number_cell(score.mean)


def _loss(candidate: Candidate, store: Store) -> float:
    loss = candidate.losses(store.signs)[0]
    return math.inf if math.isnan(loss) else loss


def _provenance(facts: Mapping[str, Any], verdict: Verdict) -> tuple[tuple[str, str], ...]:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        ("ships", f"{title_and_row(verdict.shipped, verdict)}, {facts['kind']}"),
        ("betas, cleanest first", " ".join(f"{beta:.9g}" for beta in verdict.shipped.schedule.betas)),
        ("candidates", f"{facts['candidates']:,}"),
        ("network evaluations of the search", f"{facts['search_network_evaluations']:,}"),
        *((name, str(value)) for name, value in facts["identity"].items()),
        ("versions", f"{versions}, Python {facts['python']}"),
    )
