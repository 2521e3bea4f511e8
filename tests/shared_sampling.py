"""Samples schedules in one tree, and collects their audio."""

from collections.abc import Sequence

import torch
from torch import Tensor

from schedsearch.sampling.prefix_tree import shared_batches
from schedsearch.sampling.sampler import Noise, NoisePredictor
from schedsearch.schedules.schedule import NoiseSchedule


def shared_sample(
    vocoder: NoisePredictor,
    mels: Tensor,
    schedules: Sequence[NoiseSchedule],
    noise: Noise | Tensor,
    *,
    states_at_once: int = 16,
) -> Tensor:
    """Samples audio [C, K, samples] of C schedules for each of K clips."""
    by_place: dict[int, Tensor] = {}
    for places, audio in shared_batches(vocoder, mels, schedules, noise, states_at_once=states_at_once):
        by_place.update(zip(places, audio, strict=True))
    return torch.stack([by_place[place] for place in range(len(schedules))])
