"""Measures setups of one vocoder on the same pieces and noise, and counts the cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from vocoder.front_end_check.measuring import Denoiser, Scores, highest_frequency, measure, mels_of
from vocoder.front_end_check.setups import MelStatistics, Setup
from vocoder.network import NetworkConfig, WaveGradNetwork
from vocoder.vocoder import Vocoder
from vocoder.weights import freeze

OFFSET = 1e-3  # of full scale; a smaller mean of clips is no offset, as in the metrics
FULL_BAND = 0.8  # of half the rate; clips with sound up to there have all frequencies
EQUAL = 1e-4  # of its deviation; mels that differ less on average are equal but for rounding
_NEXT_LEVEL, _FRESH = 100, 1000  # added to the seed, for other noise at each level of screening, and after it


@dataclass(frozen=True)
class Effort:
    """How many pieces and which log-SNR levels a setup is measured on, in screening and in full.

    Without `whole_front_ends` settings are tried one at a time only, as for a front end that no implementation has.
    """

    screened_pieces: int = 3
    screened_levels: tuple[float, ...] = (2.0, 7.0)  # the mel matters most between them
    pieces: int = 8
    levels: tuple[float, ...] = (-5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 7.0, 9.0)
    whole_front_ends: bool = True


USUAL = Effort()


class Examination:
    """Measures setups of one vocoder and remembers the scores. `evaluations` counts network calls on one piece."""

    def __init__(
        self,
        denoiser: Denoiser,
        pieces: Sequence[Tensor],
        seed: int,
        effort: Effort = USUAL,
        *,
        mels: Sequence[Tensor] | None = None,
    ) -> None:
        """Takes the pieces, and where there is one a TTS's mel [n_mels, frames] of each."""
        self.denoiser, self.seed, self.effort, self.evaluations = denoiser, seed, effort, 0
        first, most = effort.screened_pieces, effort.pieces
        self.rough = pieces[:first]
        judging = slice(first, first + most) if len(pieces) >= 2 * first else slice(most)
        self.pieces = pieces[judging]
        self._given_mels = None if mels is None else torch.stack(list(mels[judging]))
        self._glanced: dict[tuple[Setup, int], float] = {}
        self._full: dict[tuple[Setup, bool], Scores] = {}

    @property
    def network(self) -> NetworkConfig | None:
        """The network's sizes; None for a denoiser that is no network."""
        return self.denoiser.network.config if isinstance(self.denoiser, Vocoder) else None

    @cached_property
    def highest_frequency(self) -> float | None:
        """Hz; no sound of the clips is above it. None where there is some up to about half the rate."""
        rate = self.denoiser.front_end.sample_rate
        frequency = highest_frequency([*self.rough, *self.pieces], rate)
        return frequency if frequency < FULL_BAND * rate / 2 else None

    def is_new(self, setup: Setup, given: Setup) -> bool:
        """Tells whether a setup gives the network anything else: clips may have no offset, and meet no floor."""
        if setup.treatment.centred > given.treatment.centred:
            return any(abs(float(piece.mean())) > OFFSET for piece in self.rough)
        if replace(setup, front_end=given.front_end) != given:
            return True
        mels, others = mels_of(setup, self.rough), mels_of(given, self.rough)
        return bool((mels - others).abs().mean() > EQUAL * others.std())

    def mel_statistics(self, setup: Setup) -> MelStatistics:
        """Returns mean and deviation of a setup's mel over all pieces."""
        mels = mels_of(setup, [*self.rough, *self.pieces]).double()
        means, deviations = mels.mean((0, 2)), mels.std((0, 2))
        return MelStatistics(float(mels.mean()), float(mels.std()), tuple(means.tolist()), tuple(deviations.tolist()))

    def glance(self, setup: Setup, level: int = 0) -> float:
        """Returns the mean score on few pieces at one of the levels of screening."""
        if (setup, level) not in self._glanced:
            levels, seed = self.effort.screened_levels[level : level + 1], self.seed + _NEXT_LEVEL * level
            self.evaluations += len(self.rough)
            scores = measure(_altered(self.denoiser, setup), setup, self.rough, levels, seed=seed)
            self._glanced[setup, level] = scores.mean
        return self._glanced[setup, level]

    def screen(self, setup: Setup) -> float:
        """Returns the mean score on few pieces at all levels of screening."""
        return float(np.mean([self.glance(setup, level) for level in range(len(self.effort.screened_levels))]))

    def full(self, setup: Setup, *, mels_of_others: bool = False) -> Scores:
        """Measures at all levels, where possible on pieces that screening has not seen."""
        key = (setup, mels_of_others)
        if key not in self._full:
            self._full[key] = self._measured(self.denoiser, setup, mels_of_others=mels_of_others)
        return self._full[key]

    def with_given_mels(self, setup: Setup) -> Scores | None:
        """Measures at all levels with the TTS's mels; None without any."""
        return None if self._given_mels is None else self._measured(self.denoiser, setup, given_mels=self._given_mels)

    def random(self, setup: Setup) -> Scores | None:
        """Measures the same network with untrained weights; None for a denoiser that is no network."""
        if not isinstance(self.denoiser, Vocoder):
            return None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = WaveGradNetwork(self.denoiser.network.config, self.denoiser.dialect.quirks)
        return self._measured(replace(self.denoiser, network=freeze(network).to(self.denoiser.device)), setup)

    def _measured(
        self, denoiser: Denoiser, setup: Setup, *, mels_of_others: bool = False, given_mels: Tensor | None = None
    ) -> Scores:
        levels, seed = self.effort.levels, self.seed + _FRESH
        self.evaluations += len(self.pieces) * len(levels)
        return measure(
            _altered(denoiser, setup),
            setup,
            self.pieces,
            levels,
            seed=seed,
            mels_of_others=mels_of_others,
            given_mels=given_mels,
        )


def _altered(denoiser: Denoiser, setup: Setup) -> Denoiser:
    """Returns the same weights in a network with the setup's factors and dilations."""
    if not isinstance(denoiser, Vocoder) or setup.network(denoiser.network.config) == denoiser.network.config:
        return denoiser
    own = denoiser.network
    with torch.device("meta"):
        other = WaveGradNetwork(setup.network(own.config), denoiser.dialect.quirks)
    other.load_state_dict(own.state_dict(), assign=True)
    return replace(denoiser, network=freeze(other), front_end=setup.front_end)
