"""What can be measured of a voice before any search, to tell from afar whether a borrowed schedule will serve it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from schedsearch.comparison.scoring import Scoring
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.dynamic_programming import LONGEST_PATH, optimal_levels, trajectory
from schedsearch.strategies.level_errors import LEVELS, LevelErrors, measure
from schedsearch.voice.opened import clips_hash, conditions, held_out_noise

FINE = 4  # levels a step that the best path may choose from
FEWEST = 256


@dataclass(frozen=True)
class Signs:
    """Of one voice, on its search clips."""

    errors: LevelErrors  # of its frozen network
    level: float  # dBFS, RMS over all clips


def key(scoring: Scoring) -> str:
    """What the error curve depends on."""
    content = [conditions(scoring.vocoder), clips_hash(scoring.clips), scoring.seed, LEVELS.tolist()]
    return f"level errors {sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]}"


def curve_evaluations(scoring: Scoring) -> int:
    """Network evaluations that `measured` still has to do."""
    return 0 if scoring.kept.get(key(scoring)) else len(LEVELS) * len(scoring.clips)


def measured(scoring: Scoring) -> None:
    """The error curve, kept with the scores: one network evaluation a clip and level, once."""
    if not scoring.kept.get(key(scoring)):
        noise = held_out_noise(scoring.seed)
        speech = Evaluator(scoring.vocoder, scoring.clips, [], noise).groups
        scoring.kept.add({key(scoring): measure(scoring.vocoder, speech, noise, log_snr=LEVELS).plain()})


def signs(scoring: Scoring) -> Signs:
    """After `measured`."""
    power = np.mean([float(clip.audio.double().square().mean()) for clip in scoring.clips])
    return Signs(LevelErrors.from_plain(scoring.kept.get(key(scoring))), 10 * float(np.log10(power)))


def distances(origin: Signs, judge: Signs, borrowed: NoiseSchedule) -> Mapping[str, float]:
    """By name; more should mean that it costs more. NaN where a network returned NaN."""
    return {
        "curve_distance": curve_distance(origin, judge),
        "level_distance": abs(origin.level - judge.level),
        "path_excess": path_excess(judge, borrowed),
    }


def curve_distance(one: Signs, other: Signs) -> float:
    """Root mean square over log-SNR of the difference of the two networks' denoising errors, in ln of power."""
    if not (one.errors.finite and other.errors.finite):
        return float("nan")
    return float(np.sqrt(np.mean((np.log(one.errors.error) - np.log(other.errors.error)) ** 2)))


def path_excess(judge: Signs, schedule: NoiseSchedule) -> float:
    """ln of the schedule's `trajectory` cost by the judge's own errors over that of the best path of as many steps
    between the same ends: 0 says that the dynamic programme would have chosen it. NaN where that has no say."""
    steps = len(schedule)
    if not judge.errors.finite or not 3 <= steps <= LONGEST_PATH:  # two steps are their ends
        return float("nan")
    first, last = schedule.log_snr[0], schedule.log_snr[-1]
    levels = np.linspace(first, last, max(FEWEST, FINE * steps))
    best = optimal_levels(trajectory(judge.errors.refined(levels)), levels, [steps])[steps]
    return float(np.log(_cost(judge, schedule.log_snr) / _cost(judge, best)))


def _cost(judge: Signs, log_snr: np.ndarray) -> float:
    """Of all steps together, read between the measured levels at a common fineness."""
    levels = np.union1d(log_snr, np.linspace(log_snr[0], log_snr[-1], FEWEST))[::-1]
    cost = trajectory(judge.errors.refined(levels))
    places = np.searchsorted(-levels, -np.asarray(log_snr))
    return float(cost[places[1:], places[:-1]].sum())
