"""Chooses few of many recordings to search on and to judge with, over the speaker's whole range."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # imports its subpackages at first use

from schedsearch.voice.adding.recording import Recording

# What SciPy calls the argument for a random generator.
_GENERATOR = "rng" if tuple(int(number) for number in scipy.__version__.split(".")[:2]) >= (1, 15) else "seed"

Points = npt.NDArray[np.float64]  # [recordings, traits]

MOST_SEARCH, LEAST_SEARCH = 12, 8
MOST_HELD_OUT, LEAST_HELD_OUT = 24, 20
LEAST = LEAST_SEARCH + LEAST_HELD_OUT
FARTHEST = 1.5  # in ranges from the 5th to the 95th percentile; limits the weight of odd recordings


@dataclass(frozen=True)
class Split:
    """Two sets that share no recording."""

    search: tuple[Recording, ...]
    held_out: tuple[Recording, ...]


def split(recordings: Sequence[Recording], seed: int) -> Split:
    """Chooses 12 recordings to search on and 24 to judge with, or as few as 8 and 20.

    Depends on the seed and the recordings' contents, not on order, names or folder. ValueError for fewer than 28.
    """
    if len(recordings) < LEAST:
        raise ValueError(f"a split needs {LEAST} recordings, got {len(recordings)}")
    ordered = sorted(recordings, key=lambda recording: recording.content)
    search = max(LEAST_SEARCH, min(MOST_SEARCH, len(ordered) - MOST_HELD_OUT))
    points = scaled(np.array([recording.traits for recording in ordered]))
    chosen = covering(points, min(len(ordered), search + MOST_HELD_OUT), seed)
    searched = chosen[covering(points[chosen], search, seed)]
    held_out = sorted(set(chosen.tolist()) - set(searched.tolist()))
    return Split(tuple(ordered[i] for i in searched), tuple(ordered[i] for i in held_out))


def scaled(points: Points) -> Points:
    """Scales each trait by its median and its range from the 5th to the 95th percentile, and limits outliers."""
    low, middle, high = np.quantile(points, [0.05, 0.5, 0.95], axis=0)
    width = np.where(high > low, high - low, np.inf)
    return np.asarray(((points - middle) / width).clip(-FARTHEST, FARTHEST))


def covering(points: Points, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Returns rising indices of `count` points: of as many k-means strata, the point nearest to each centre.

    Strata follow the density less than a random choice does, so rare kinds are included, and a centre is typical of its
    kind. Where points are alike and strata stay empty, the points farthest from all chosen ones are added.
    """
    chosen = _nearest_to_centres(points, min(count, len(np.unique(points, axis=0))), seed)
    gaps = scipy.spatial.distance.cdist(points, points[chosen]).min(axis=1)
    while len(chosen) < count:
        gaps[chosen] = -1.0
        chosen.append(int(gaps.argmax()))
        gaps = np.minimum(gaps, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(sorted(chosen))


def _nearest_to_centres(points: Points, strata: int, seed: int) -> list[int]:
    """Returns one point of each stratum that is not empty."""
    generator = {_GENERATOR: np.random.default_rng(seed)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty strata
        centres, stratum = scipy.cluster.vq.kmeans2(points, strata, iter=50, minit="++", **generator)
    distance = np.linalg.norm(points - centres[stratum], axis=1)
    members = [np.flatnonzero(stratum == number) for number in np.unique(stratum)]
    return [int(indices[distance[indices].argmin()]) for indices in members]
