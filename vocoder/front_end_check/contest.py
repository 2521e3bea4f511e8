"""Finds the variants that are better than a setup: by screening, then by paired tests on fresh pieces and noise."""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # imports its subpackages at first use

from vocoder.front_end_check.examination import Examination
from vocoder.front_end_check.measuring import Array, Scores, fits
from vocoder.front_end_check.setups import Setup, Variant
from vocoder.front_end_check.variants import AFFINE, SLOPE, WHOLE, scaled_mel, variants

FINALISTS = 4
NEAR = 0.05  # the few pieces of screening cannot tell closer scores apart
CONFIDENCE = 0.01  # of a test, shared among a round's finalists
FAR = 0.3  # variants that are so much worse than the best at one level are not screened at the others
FIT_STEP, FIT_STEPS = 0.3, 12  # of a fit of the mel: first step, in deviations of the mel, and most trials
FIT_WORTH = 0.05  # of the score; two free numbers suit any clips a little better than the right ones
WORTH = 0.01  # of what the right mels gain over other clips' mels; a smaller gain is no reason to refuse
WEAK = -0.1  # score; a network above it has more than nine tenths of the Wiener filter's error: weakly trained
CLEAR = -0.3  # score; where clips lack high frequencies, mels that suit these bring the demo voice to -0.22
LEAST = 0.005  # smaller differences of the score do not matter


@dataclass(frozen=True)
class Row:
    """One measured setup. Its score is the logarithm of its error over the Wiener filter's."""

    name: str
    score: float
    difference: float  # from the score of the setup it was compared with; below 0 is better
    t: float  # Student's, of that difference over pieces
    pieces: int


@dataclass(frozen=True)
class Contest:
    """The outcome of one round."""

    winner: Variant | None  # None: no variant is better than the given setup by enough to matter
    scores: Scores  # of the winner, or of the given setup
    ties: tuple[str, ...]  # names of the variants that are not measurably worse
    rows: tuple[Row, ...]
    tried: int


def contest(examination: Examination, given: Setup, own: Scores) -> Contest:
    """Compares `given` with all of its variants; `own` are its scores."""
    whole = examination.effort.whole_front_ends
    tried = variants(given, examination.network, mel_statistics=examination.mel_statistics(given))
    tried = [variant for variant in tried if whole or variant.setting != WHOLE]
    tried = [variant for variant in tried if fits(variant.of(given), examination.rough[0])]
    tried = [variant for variant in tried if examination.is_new(variant.of(given), given)]
    finals = [(variant, examination.full(variant.of(given))) for variant in _finalists(examination, given, tried)]
    finals += _fitted(examination, given, own, finals)
    finals.sort(key=lambda pair: pair[1].mean)
    rows = tuple(row(variant.name, scores, own) for variant, scores in finals)
    level = CONFIDENCE / max(1, len(finals))
    for winner, scores in finals:
        if not _is_credible(examination, winner, scores):
            continue
        if _exceeds(own.pieces - scores.pieces, level) and _matters(examination, winner.of(given), scores, own):
            ties = tuple(v.name for v, s in finals if v is not winner and not is_worse(s, scores))
            return Contest(winner, scores, ties, rows, len(tried))
    return Contest(None, own, tuple(v.name for v, s in finals if not is_worse(s, own)), rows, len(tried))


def _fitted(
    examination: Examination, given: Setup, own: Scores, finals: list[tuple[Variant, Scores]]
) -> list[tuple[Variant, Scores]]:
    """Fits scale and offset of the mel to the network, by screening scores.

    Returns the fit if the network does well with it, and better than with the named variants: by any amount that
    matters where the best of these scales the mel, too, else by FIT_WORTH.
    """
    statistics = examination.mel_statistics(given)
    mean, deviation = statistics.mean, statistics.deviation
    if given.affine != (1.0, 0.0) or not deviation > 0:
        return []

    def variant(point: Array) -> Variant:
        factor = math.exp(point[0]) / deviation  # to the deviation exp(point[0]) and the mean point[1]
        return scaled_mel(factor, point[1] - factor * mean)

    def score(point: Array) -> float:
        return examination.screen(variant(point).of(given))

    start = min(np.array([math.log(deviation), mean]), np.zeros(2), key=score)
    simplex = start + FIT_STEP * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, math.exp(start[0])]])
    options = {"initial_simplex": simplex, "maxfev": FIT_STEPS}
    fit = variant(scipy.optimize.minimize(score, start, method="Nelder-Mead", options=options).x)
    best_variant, best = min(finals, key=lambda pair: pair[1].mean, default=(None, own))
    scales = best_variant is not None and best_variant.setting in (AFFINE, SLOPE)
    worth = LEAST if scales else FIT_WORTH
    rival = given if best_variant is None else best_variant.of(given)
    if examination.screen(fit.of(given)) > min(examination.screen(rival) - worth, WEAK):
        return []
    scores = examination.full(fit.of(given))
    return [(fit, scores)] if scores.mean < min(best.mean - worth, WEAK) else []


def row(name: str, scores: Scores, own: Scores) -> Row:
    """Returns a line of the table of measurements."""
    difference = scores.pieces - own.pieces
    return Row(name, scores.mean, float(difference.mean()), _t_test(difference)[0], len(difference))


def is_worse(scores: Scores, than: Scores) -> bool:
    """Tells whether scores are higher by a one-sided paired test, and by enough to matter."""
    return _exceeds(scores.pieces - than.pieces, CONFIDENCE)


def _finalists(examination: Examination, given: Setup, tried: list[Variant]) -> list[Variant]:
    """Returns the variants that screening finds near the best one, or near the given setup where that is best."""
    glances = [examination.glance(setup) for setup in (given, *(variant.of(given) for variant in tried))]
    likely = [i for i, score in enumerate(glances[1:]) if score < min(glances) + FAR]
    screened = sorted((examination.screen(tried[i].of(given)), i) for i in likely)
    best = min([examination.screen(given), *(score for score, _ in screened[:1])])
    return [tried[i] for score, i in screened[:FINALISTS] if score < best + NEAR]


def _is_credible(examination: Examination, variant: Variant, scores: Scores) -> bool:
    """Tells whether a variant can be believed. One that treats the clips only where the network then does well.

    Louder clips raise the filter's error and leave that of a bad network as it is, so they would always look better.
    Where clips lack high frequencies, what serves for these in the mel looks better, too, by far: there the network
    must do clearly well.
    """
    if examination.highest_frequency is not None:
        return scores.mean < CLEAR
    return scores.mean < WEAK or "treatment" not in variant.changes


def _matters(examination: Examination, setup: Setup, scores: Scores, own: Scores) -> bool:
    gain = examination.full(setup, mels_of_others=True).mean - scores.mean
    return own.mean - scores.mean > WORTH * gain


def _exceeds(difference: Array, level: float) -> bool:
    return bool(difference.mean() > LEAST) and _t_test(difference)[1] < level


def _t_test(difference: Array) -> tuple[float, float]:
    """Returns Student's t of the mean over pieces and its one-sided p-value; 0 and 1 for one piece or no difference."""
    if len(difference) < 2 or not difference.any():
        return 0.0, 1.0
    test = scipy.stats.ttest_1samp(difference, 0.0, alternative="greater")
    return float(test.statistic), float(test.pvalue)
