"""Asks Distill-MOS, which no search has seen, whether it orders schedules as the objective does."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.metrics_study.agreement import agreement, in_common
from schedsearch.comparison.entrants import Entrant
from schedsearch.comparison.table import difference, write_table
from schedsearch.evaluation.bootstrap import Array
from schedsearch.evaluation.paired import Comparison, Outcome, compare
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import markdown_table, table_by_length
from schedsearch.metrics import mos
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.relations import STRANGERS, UNIVERSAL
from schedsearch.transfer.tournament import Tournament
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

OWN, PUBLISHED = "own search", "best published"  # beside UNIVERSAL
NEEDS = "stage judge needs Distill-MOS, which is not installed; install it with make mos, or name the other stages"
HOW = """# An independent judge

Distill-MOS predicts listeners' opinions from the audio alone. No search has seen it. It heard what the objective heard
in the transfer: the same held-out clips with the same noise. The schedules are the winners of all voices, the universal
ones and the published ones of the same length. `ranks.csv` and `order.csv` hold the numbers."""
RANKS = """## Does it rank schedules alike?

Spearman's rank correlation of the two metrics' means over the schedules: 1 where both order all of them alike. Its
95 % interval is over clips, drawn anew. Noise lowers the correlation, and drawing clips anew lowers the interval once
more: the two metrics agree at least as much as it says. Schedules that are about equally good lower both."""
PAIRS = """Pairs of schedules that the objective tells apart: its 95 % paired interval over clips excludes zero. Of
these Distill-MOS says the same or the opposite, each by its own interval, or nothing. Not corrected for the number of
pairs."""
ORDER = f"""## Does Distill-MOS prefer the same schedules?

Each row has two schedules. Is the first one better? The objective says so, then Distill-MOS. In a tie the interval
holds zero.
"{UNIVERSAL}" was chosen without the judge's speaker; where an earlier one keeps its name, it is that one.
"{PUBLISHED}" is the best one by the objective on these clips."""


@dataclass(frozen=True)
class Heard:
    """Schedules of one length in both metrics, on one voice's held-out clips."""

    voice: Participant
    iterations: int
    metrics: tuple[Metric, Metric]  # the objective, Distill-MOS
    scores: Mapping[NoiseSchedule, tuple[Score, Score]]  # in the order of `metrics`
    roles: Mapping[str, NoiseSchedule]  # OWN, UNIVERSAL and PUBLISHED, as far as there are such

    def compare(self, first: NoiseSchedule, second: NoiseSchedule) -> list[Comparison]:
        """Compares two schedules by each metric."""
        both = zip(self.metrics, self.scores[first], self.scores[second], strict=True)
        return [compare(metric, one, other, 0) for metric, one, other in both]

    @property
    def place(self) -> dict[str, object]:
        """The first columns of its rows."""
        return {"voice": self.voice.label, "iterations": self.iterations}


def check_installed() -> None:
    """Raises InputError where Distill-MOS is not installed."""
    if not mos.installed():
        raise InputError(NEEDS)


def write_judgement(heard: Sequence[Heard], folder: Path) -> None:
    """Writes ranks.csv (a row a voice and length), order.csv (own, universal and published) and judge.md."""
    ranks = pd.DataFrame(map(_rank, heard))
    order = pd.DataFrame([row for one in heard for row in _order(one)])
    folder.mkdir(parents=True, exist_ok=True)
    write_table(ranks, folder / "ranks.csv")
    write_table(order, folder / "order.csv")
    blocks = [HOW, RANKS, _ranks(ranks), PAIRS, _pairs(ranks), ORDER, _verdicts(order)]
    atomic_write(folder / "judge.md", ("\n\n".join(blocks) + "\n").encode())


def all_heard(tournament: Tournament) -> Iterator[Heard]:
    """Yields each voice in each length; after the tournament's `judging` with Distill-MOS among the metrics."""
    for n in tournament.lengths:
        for voice in tournament.participants:
            scoring = tournament.held_out[voice.label]
            metrics = (scoring.metrics[0], next(metric for metric in scoring.metrics if metric.name == mos.NAME))
            # Formulas and resampled schedules are left out: nobody publishes them.
            entrants = [e for e in tournament.entrants(voice, n) if e.kind != "baseline" or e.source == "published"]
            of_all = {entrant.schedule: scoring.scores(entrant.schedule) for entrant in entrants}
            scores = {s: (one[metrics[0].name], one[metrics[1].name]) for s, one in of_all.items()}
            means = {s: _losses(metrics[0], objective).mean() for s, (objective, _) in scores.items()}
            universal = UNIVERSAL if n in tournament.kept else STRANGERS
            yield Heard(voice, n, metrics, scores, _roles(entrants, voice.winners.get(n), means, universal))


def _roles(
    entrants: Sequence[Entrant], winner: Entrant | None, means: Mapping[NoiseSchedule, float], source: str
) -> dict[str, NoiseSchedule]:
    universal = [entrant.schedule for entrant in entrants if entrant.source == source]
    published = [entrant.schedule for entrant in entrants if entrant.source == "published"]
    sound = [schedule for schedule in published if np.isfinite(means[schedule])]
    best = sorted(sound, key=lambda schedule: means[schedule])
    groups = {OWN: [winner.schedule] if winner else [], UNIVERSAL: universal, PUBLISHED: best}
    return {role: schedules[0] for role, schedules in groups.items() if schedules}


def _rank(heard: Heard) -> dict[str, object]:
    losses = [np.array([_losses(m, both[i]) for both in heard.scores.values()]) for i, m in enumerate(heard.metrics)]
    correlation = agreement(*losses, seed=0)
    schedules, clips = in_common(*losses)[0].shape  # what was ranked: a schedule that failed anywhere was not
    outcomes = [[one.outcome for one in heard.compare(*pair)] for pair in combinations(heard.scores, 2)]
    clear = (Outcome.BETTER, Outcome.WORSE)
    said = Counter(
        "same" if opinion is objective else "opposite" if opinion in clear else "nothing"
        for objective, opinion in outcomes
        if objective in clear
    )
    ends = {end: correlation[f"spearman{end}"] for end in ("", "_low_clips", "_high_clips")}
    return {
        **heard.place, "schedules": schedules, "clips": clips,
        "spearman": ends[""], "spearman_low": ends["_low_clips"], "spearman_high": ends["_high_clips"],
        "pairs": len(outcomes), "told_apart": said.total(),
        "same": said["same"], "opposite": said["opposite"],
    }  # fmt: skip


def _losses(metric: Metric, score: Score) -> Array:
    """Returns losses [clip], draws averaged: less is better."""
    means: Array = score.values.mean(axis=1)
    return means if metric.direction == "minimize" else -means


def _order(heard: Heard) -> Iterator[dict[str, object]]:
    """Yields a row for each two of OWN, UNIVERSAL and PUBLISHED and metric."""
    for first, second in combinations(heard.roles, 2):
        for comparison in heard.compare(heard.roles[first], heard.roles[second]):
            yield {
                **heard.place, "first": first, "second": second, "metric": comparison.metric,
                **difference(comparison), "verdict": comparison.outcome.value,
            }  # fmt: skip


def _ranks(ranks: pd.DataFrame) -> str:
    cells = {}
    for row in ranks.itertuples():
        correlation = f"{row.spearman:+.2f} [{row.spearman_low:+.2f}, {row.spearman_high:+.2f}]".replace("-", "−")
        cells[row.voice, row.iterations] = f"{correlation}, {row.schedules} schedules"
    return table_by_length("rank correlation", cells)


def _pairs(ranks: pd.DataFrame) -> str:
    sums = ranks.groupby("iterations")[["pairs", "told_apart", "same", "opposite"]].sum()
    rows = [[n, *map(int, row), int(row["told_apart"] - row["same"] - row["opposite"])] for n, row in sums.iterrows()]
    return markdown_table(["steps", "pairs", "told apart", "same", "opposite", "nothing"], rows, numbers=True)


def _verdicts(order: pd.DataFrame) -> str:
    cells: dict[tuple[str, int], str] = {}
    for (first, second, voice, n), rows in order.groupby(["first", "second", "voice", "iterations"]):
        cells[f"{first} over {second}, {voice}", n] = ", ".join(rows["verdict"])
    return table_by_length("the first is", cells)
