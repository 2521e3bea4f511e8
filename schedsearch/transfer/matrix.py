"""matrix-N.csv: one row a voice that judges, schedule and metric. docs/reports.md says what every column holds.

A voice without a winner of a length judges it too; the columns beside a native winner are then empty. Intervals are not
widened for their number: of twenty ties one may be called worse by chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from schedsearch.comparison.entrants import Entrant
from schedsearch.comparison.table import difference, measured
from schedsearch.evaluation.paired import Comparison, compare
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import defused
from schedsearch.metrics.registry import Metric
from schedsearch.transfer.minimax import relative_loss
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.relations import BASELINE, NATIVE, OTHER_DIALECTS, STRANGERS, UNIVERSAL, relation
from schedsearch.transfer.tournament import Tournament
from vocoder.vocoder import Vocoder

COLUMNS = (
    *("dataset", "rate", "speaker", "checkpoint", "precision", "iterations", "schedule", "source", "relation"),
    *("metric", "unit", "direction"),
    *("mean", "standard_error", "low", "high", "clips", "draws", "failures", "failure_rate"),
    *("difference", "difference_low", "difference_high", "pairs", "relative_loss", "verdict"),
    *("first_log_snr", "terminal_log_snr", "sigma_1", "log_snr_distance"),
)
TEXT = (
    *("dataset", "speaker", "checkpoint", "precision", "schedule", "source", "relation"),
    *("metric", "unit", "direction", "verdict"),
)


@dataclass(frozen=True)
class Cell:
    """A schedule on one voice's held-out clips beside that voice's own winner."""

    judge: Participant
    entrant: Entrant
    relation: str
    comparison: Comparison  # with the native winner; with itself where there is none
    metric: Metric
    known: bool  # whether there is a native winner
    decisive: bool  # whether the metric is the objective: PESQ's name depends on the sample rate

    @property
    def relative_loss(self) -> float:
        """How much worse it is than the native winner, as a part of its mean.

        NaN without a native winner, where no side is better, where it fails more often, and where fewer than two clips
        are sound in both.
        """
        difference, native = self.comparison.difference, self.comparison.baseline
        if not self.known or not self.metric.ranks or difference is None or self.comparison.fails_more:
            return float("nan")
        reference = float(np.nanmean(native.values))
        return relative_loss(self.metric, reference + difference.mean, reference)

    @property
    def verdict(self) -> str:
        """The outcome beside the native winner."""
        if self.relation == NATIVE:
            return NATIVE
        return self.comparison.outcome.value if self.known else ""


def cells(tournament: Tournament) -> list[Cell]:
    """Returns the cells of all voices, lengths, schedules and metrics, the objective first; after `judging`."""
    places = [(judge, n) for n in tournament.lengths for judge in tournament.participants]
    return [cell for judge, n in places for cell in _cells(tournament, judge, n)]


def table(all_cells: list[Cell], tournament: Tournament) -> pd.DataFrame:
    """Returns the rows of all lengths' matrix-N.csv, with COLUMNS."""
    vocoders = {label: scoring.vocoder for label, scoring in tournament.held_out.items()}
    return pd.DataFrame([_row(cell, vocoders[cell.judge.label]) for cell in all_cells], columns=list(COLUMNS))


def _cells(tournament: Tournament, judge: Participant, iterations: int) -> Iterator[Cell]:
    scoring = tournament.held_out[judge.label]
    native = judge.winners.get(iterations)
    own = scoring.scores(native.schedule) if native else None
    for entrant in tournament.entrants(judge, iterations):
        scores: dict[str, Score] = scoring.scores(entrant.schedule)
        for metric in scoring.metrics:
            reference = (own or scores)[metric.name]
            comparison = compare(metric, scores[metric.name], reference, 0)
            related = _relation(entrant, judge, iterations, tournament.participants)
            decisive = metric is scoring.metrics[0]
            yield Cell(judge, entrant, related, comparison, metric, own is not None, decisive)


def _relation(entrant: Entrant, judge: Participant, iterations: int, voices: tuple[Participant, ...]) -> str:
    if entrant.source in (UNIVERSAL, STRANGERS, OTHER_DIALECTS):
        return entrant.source
    origin = next((voice for voice in voices if voice.winners.get(iterations) is entrant), None)
    return BASELINE if origin is None else relation(origin, judge)


def _row(cell: Cell, vocoder: Vocoder) -> dict[str, Any]:
    voice, schedule = cell.judge.voice, cell.entrant.schedule
    beside, native = difference(cell.comparison), cell.judge.winners.get(len(schedule))
    return {
        "dataset": defused(voice.dataset),
        "rate": voice.sample_rate,
        "speaker": defused(voice.speaker),
        "checkpoint": vocoder.weights_hash[:12],
        "precision": vocoder.precision,
        "iterations": len(schedule),
        "schedule": defused(cell.entrant.name),
        "source": defused(cell.entrant.source),
        "relation": cell.relation,
        "metric": cell.metric.name,
        "unit": cell.metric.unit,
        "direction": cell.metric.direction if cell.metric.ranks else "neither",
        **measured(cell.comparison.winner),
        **(beside if cell.known else dict.fromkeys(beside, np.nan)),
        "relative_loss": cell.relative_loss,
        "verdict": cell.verdict,
        "first_log_snr": float(schedule.log_snr[0]),
        "terminal_log_snr": float(schedule.log_snr[-1]),
        "sigma_1": schedule.residual_noise,
        "log_snr_distance": schedule.distance(native.schedule) if native else np.nan,
    }
