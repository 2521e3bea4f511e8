"""Common random numbers: what is random in sampling is the same for every candidate.

Candidates are compared on differences, and under common noise the difference of two schedules varies far less
than their scores do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class NoiseBank:
    """N(0, 1) noise that depends on (seed, clip name, repeat, k) alone.

    k counts from the start of sampling: 0 is the starting noise, k is added after the k-th reverse step.
    Neither the schedule and its length nor the clip's batch mates and their order matter. Drawn on the CPU,
    so every device gets the same numbers. Nothing is stored: a draw costs next to nothing beside the network
    call it is for.
    """

    seed: int

    def draw(self, clip_name: str, repeat: int, k: int, samples: int) -> Tensor:
        """Draws [samples] float32; a shorter draw is the beginning of a longer one."""
        # numpy, not torch: torch's CPU generator keeps 32 bits of its seed, few enough for hashes to collide,
        # and its vectorised normals make a short draw differ from the beginning of a long one.
        # 128 bits of a hash; the name comes last, so that no two keys are spelt alike.
        key = blake2b(f"{self.seed} {repeat} {k} {clip_name}".encode(), digest_size=16).digest()
        generator = np.random.default_rng(int.from_bytes(key))
        return torch.from_numpy(generator.standard_normal(samples, dtype=np.float32))

    def repeat_of(self, clip_name: str, repeat: int) -> int:
        """Returns which repeat the clip has where this one is asked for."""
        return repeat

    def for_clips(self, clip_names: Sequence[str], repeat: int, samples: int) -> Callable[[int], Tensor]:
        """Returns k -> [clip, samples], drawn when asked for, as `ancestral_sample` takes it."""
        return lambda k: torch.stack([self.draw(name, repeat, k, samples) for name in clip_names])


@dataclass(frozen=True)
class ChosenNoise:
    """Noise in which each clip has a draw of its own, whatever draw is asked for."""

    bank: NoiseBank
    draws: Mapping[str, int]  # clip name -> draw

    def repeat_of(self, clip_name: str, repeat: int) -> int:
        """Returns the clip's own draw."""
        return self.draws[clip_name]

    def for_clips(self, clip_names: Sequence[str], repeat: int, samples: int) -> Callable[[int], Tensor]:
        """Returns k -> [clip, samples], as `NoiseBank` does."""
        draws = [(name, self.repeat_of(name, repeat)) for name in clip_names]
        return lambda k: torch.stack([self.bank.draw(name, draw, k, samples) for name, draw in draws])
