"""Which variants of a setup are better than it: screening, then paired tests on fresh pieces and noise."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from vocoder.front_end_check.examination import Examination
from vocoder.front_end_check.measuring import Array, Scores
from vocoder.front_end_check.setups import Setup, Variant
from vocoder.front_end_check.variants import WHOLE, variants

FINALISTS = 4
NEAR = 0.05  # screened scores so near to one another are not told apart on so few pieces
CONFIDENCE = 0.01  # of a test, shared among a round's finalists
WORTH = 0.01  # of what the right mels gain over other clips' mels: less is no reason to refuse
WEAK = -0.1  # a network with more error than this, a tenth less than the Wiener filter, is weakly trained
LEAST = 0.005  # of the logarithm of the error: no difference that matters


@dataclass(frozen=True)
class Row:
    """One measured setup; scores are logarithms of its error over the Wiener filter's."""

    name: str
    score: float
    difference: float  # score less that of the setup it was compared with; below 0 is better
    t: float  # Student's, of that difference over pieces
    pieces: int


@dataclass(frozen=True)
class Contest:
    """What came of one round."""

    winner: Variant | None  # None: nothing is better than the given setup, or not by enough to matter
    scores: Scores  # of the winner, else of the given setup
    ties: tuple[str, ...]  # names of the variants that are no worse than that, as far as it matters or can be told
    rows: tuple[Row, ...]
    tried: int


def contest(examination: Examination, given: Setup, own: Scores) -> Contest:
    """All variants of `given` against it; `own` are its scores."""
    whole = examination.effort.whole_front_ends
    found = [each for each in variants(given, examination.factors) if whole or each.setting != WHOLE]
    found = [each for each in found if examination.fits(each.of(given))]
    finals = [(variant, examination.full(variant.of(given))) for variant in _finalists(examination, given, found)]
    finals.sort(key=lambda pair: pair[1].mean)
    rows = tuple(row(variant.name, scores, own) for variant, scores in finals)
    for winner, scores in finals:
        if not _is_credible(winner, scores):
            continue
        if _is_better(scores, own, len(finals)) and _matters(examination, winner.of(given), scores, own):
            ties = tuple(v.name for v, s in finals if v is not winner and not is_worse(s, scores))
            return Contest(winner, scores, ties, rows, len(found))
    return Contest(None, own, tuple(v.name for v, s in finals if not is_worse(s, own)), rows, len(found))


def row(name: str, scores: Scores, own: Scores) -> Row:
    """A line of the table of measurements."""
    difference = scores.pieces - own.pieces
    return Row(name, scores.mean, float(difference.mean()), _t(difference), len(difference))


def is_worse(scores: Scores, than: Scores) -> bool:
    """By a one-sided paired test, and by more than nothing."""
    difference = scores.pieces - than.pieces
    return bool(difference.mean() > LEAST) and _p_value(difference) < CONFIDENCE


def _finalists(examination: Examination, given: Setup, found: list[Variant]) -> list[Variant]:
    """Those that screening finds near the best, be that a variant or the given setup."""
    own = examination.screen(given)
    screened = sorted((examination.screen(variant.of(given)), i) for i, variant in enumerate(found))
    best = min([own, *(score for score, _ in screened[:1])])
    return [found[i] for score, i in screened[:FINALISTS] if score < best + NEAR]


def _is_credible(variant: Variant, scores: Scores) -> bool:
    """Clips are to blame only where the network does well without what was done to them: the error of one that does
    badly everywhere stays as it is when clips get louder, and the filter's rises."""
    return "treatment" not in variant.changes or scores.mean < WEAK


def _is_better(scores: Scores, own: Scores, tests: int) -> bool:
    difference = own.pieces - scores.pieces
    return bool(difference.mean() > LEAST) and _p_value(difference) < CONFIDENCE / tests


def _matters(examination: Examination, setup: Setup, scores: Scores, own: Scores) -> bool:
    gain = examination.full(setup, mels_of_others=True).mean - scores.mean
    return own.mean - scores.mean > WORTH * gain


def _t(difference: Array) -> float:
    if len(difference) < 2:
        return 0.0
    return float(difference.mean() / max(difference.std(ddof=1) / len(difference) ** 0.5, np.finfo(float).tiny))


def _p_value(difference: Array) -> float:
    """One-sided: how likely so large a mean is where there is no difference. 1 for a single piece."""
    if len(difference) < 2:
        return 1.0
    return float(stats.t.sf(_t(difference), len(difference) - 1))
