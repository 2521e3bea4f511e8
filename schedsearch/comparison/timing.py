"""Measures the speed of every length once a machine, and stores it."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from schedsearch.comparison.entrants import Entrant
from schedsearch.comparison.scoring import short_hash
from schedsearch.formatting import counted
from schedsearch.sampling import speed
from schedsearch.sampling.speed import Speed
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice.opened import conditions
from vocoder.audio.reading import Clip
from vocoder.vocoder import Vocoder


@dataclass(frozen=True)
class Timing:
    """A voice, the clips whose median length is timed, and the times known already."""

    vocoder: Vocoder
    clips: tuple[Clip, ...]
    cache: ValueCache

    def steps(self, entrants: Sequence[Entrant]) -> Iterator[tuple[float, str]]:
        """Measures lengths that were not timed on this machine; yields the share that is done, and the length."""
        by_length = {len(entrant.schedule): entrant.schedule for entrant in entrants}
        todo = [length for length in sorted(by_length) if "seconds" not in self.cache.get(self._key(length))]
        for i, length in enumerate(todo):
            measured = speed.measure(self.vocoder, self._clip, by_length[length])
            self.cache.add({self._key(length): {"seconds": measured.seconds}})
            yield (i + 1) / len(todo), counted(length, "iteration")

    def speed(self, iterations: int) -> Speed:
        """Returns the speed at a length; after `steps`, which measures it."""
        seconds = self.cache.get(self._key(iterations))["seconds"]
        return Speed(iterations, len(self._clip.audio) / self._clip.sample_rate, tuple(seconds))

    @property
    def machine(self) -> str:
        """Device and threads in words."""
        return speed.machine(self.vocoder)

    @cached_property
    def _clip(self) -> Clip:
        return speed.typical_length(self.clips)

    def _key(self, iterations: int) -> str:
        return f"speed {self._here} {iterations}"

    @cached_property
    def _here(self) -> str:
        here = [socket.gethostname(), self.machine, torch.__version__, len(self._clip.audio), conditions(self.vocoder)]
        return short_hash(here)
