"""A rule that says beforehand whether another speaker's winner is safe, and how it does on speakers it never saw.

Safe: its interval beside the judge's own winner does not lie on the worse side. The rule is a threshold on one sign
(see signs), which more of should mean that borrowing costs more; it is set on the pairs of all other speakers and tried
on those of the one that was left out. With few speakers it is a hypothesis.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from schedsearch.evaluation.bootstrap import Array
from schedsearch.formatting import defused
from schedsearch.transfer.exchange import Exchange
from schedsearch.transfer.judges import Judge
from schedsearch.transfer.matrix import OTHERS, Cell
from schedsearch.transfer.signs import distances, signs

SIGNS = ("curve_distance", "level_distance", "path_excess")
COLUMNS = ("judge", "origin", "iterations", "relation", *SIGNS, "relative_loss", "verdict")


@dataclass(frozen=True)
class Pair:
    """A winner and the voice that borrows it."""

    judge: Judge
    origin: Judge
    cell: Cell
    signs: Mapping[str, float]

    @property
    def safe(self) -> bool:
        """By its interval, failures being unsafe."""
        return self.cell.verdict not in ("worse", "fails more often", "")


@dataclass(frozen=True)
class Trial:
    """How one sign's rule did on the speakers that were left out."""

    sign: str
    right: int
    pairs: int
    commoner: int  # right by always saying what was commoner among the other speakers' pairs
    correlation: float  # Spearman's, of the sign and the loss; NaN where either is constant

    @property
    def words(self) -> str:
        """For a sentence."""
        beside = "" if np.isnan(self.correlation) else f", rank correlation with the loss {self.correlation:+.2f}"
        return f"{self.sign} {self.right} of {self.pairs} (always the commoner answer {self.commoner}){beside}"


def pairs(exchange: Exchange, cells: Sequence[Cell]) -> list[Pair]:
    """All borrowed winners whose judge has its own, in the objective; after `measuring`."""
    known = {label: signs(scoring) for label, scoring in exchange.searching.items()}
    return [
        Pair(cell.judge, origin, cell, distances(known[origin.label], known[cell.judge.label], cell.entrant.schedule))
        for cell, origin in _borrowed(exchange, cells)
    ]


def table(found: Sequence[Pair]) -> pd.DataFrame:
    """prediction-N.csv: one row a pair and length."""
    rows = [
        {
            "judge": defused(pair.judge.label),
            "origin": defused(pair.origin.label),
            "iterations": len(pair.cell.entrant.schedule),
            "relation": pair.cell.relation,
            **pair.signs,
            "relative_loss": pair.cell.relative_loss,
            "verdict": pair.cell.verdict,
        }
        for pair in found
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def trial(found: Sequence[Pair], sign: str) -> Trial | None:
    """Leaving one speaker out in turn, over pairs of different speakers where the sign is known; None where nothing is
    left to learn from."""
    usable = [pair for pair in found if pair.cell.relation in OTHERS and np.isfinite(pair.signs[sign])]
    right = commoner = tried = 0
    for speaker in sorted({pair.judge.voice.speaker for pair in usable}):
        asked = [pair for pair in usable if pair.judge.voice.speaker == speaker]
        others = [p for p in usable if speaker not in (p.judge.voice.speaker, p.origin.voice.speaker)]
        if not others:
            continue
        limit = threshold(_values(others, sign), [pair.safe for pair in others])
        usual = 2 * sum(pair.safe for pair in others) >= len(others)
        right += sum((pair.signs[sign] < limit) == pair.safe for pair in asked)
        commoner += sum(usual == pair.safe for pair in asked)
        tried += len(asked)
    return Trial(sign, right, tried, commoner, _correlation(usable, sign)) if tried else None


def threshold(values: Array, safe: Sequence[bool]) -> float:
    """Below it a pair is called safe: the one that is right most often, of equals the lowest (the most careful)."""
    ordered = np.unique(values)
    limits = [-np.inf, *((ordered[:-1] + ordered[1:]) / 2), np.inf]
    right = [int(((values < limit) == np.asarray(safe)).sum()) for limit in limits]
    return float(limits[int(np.argmax(right))])


def safety_sentence(found: Sequence[Pair], iterations: int) -> str:
    """Of one length; empty where no speaker can be left out."""
    of_length = [pair for pair in found if len(pair.cell.entrant.schedule) == iterations]
    tried = [result for sign in SIGNS if (result := trial(of_length, sign)) is not None]
    if not tried:
        return ""
    speakers = len({pair.judge.voice.speaker for pair in of_length})
    told = "; ".join(result.words for result in tried)
    return (
        "Whether it is safe to borrow, called by a threshold set without the judge's speaker (a hypothesis: "
        f"{speakers} speakers), is right in: {told}."
    )


def _borrowed(exchange: Exchange, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Judge]]:
    for cell in cells:
        if not (cell.decisive and cell.known):
            continue
        n = len(cell.entrant.schedule)
        origin = next((judge for judge in exchange.judges if judge.winners.get(n) is cell.entrant), None)
        if origin is not None and origin is not cell.judge:
            yield cell, origin


def _values(found: Sequence[Pair], sign: str) -> Array:
    return np.array([pair.signs[sign] for pair in found])


def _correlation(found: Sequence[Pair], sign: str) -> float:
    known = [pair for pair in found if np.isfinite(pair.cell.relative_loss)]
    values, losses = _values(known, sign), np.array([pair.cell.relative_loss for pair in known])
    if len(known) < 3 or np.ptp(values) == 0 or np.ptp(losses) == 0:
        return float("nan")
    return float(stats.spearmanr(values, losses).statistic)
