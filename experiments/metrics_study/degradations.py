"""Adds known faults to recordings and to synthesis, to see which metric reacts to which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from scipy import signal
from torch import Tensor

from schedsearch.schedules.formulas import log_snr_line

RATE = 16000  # Hz, of the demo voice
PAUSE = -40.0  # dB: frames that lie so far below the clip's loudest are pauses
FRAME = 160  # samples
SEED = 0
START = log_snr_line(12, 11.0, -4.0)  # the synthesis that faults are added to: unsearched, noisy and too quiet

Degrade = Callable[[Tensor], Tensor]  # [clip, samples] -> the same shape


def white_noise(audio: Tensor, snr: float) -> Tensor:
    """Adds white noise `snr` dB below each clip."""
    power = audio.square().mean(-1, keepdim=True)
    return audio + _noise(audio) * (power * 10 ** (-snr / 10)).sqrt()


def static_in_pauses(audio: Tensor, level: float) -> Tensor:
    """Adds white noise of `level` dB beside full scale, in the pauses alone."""
    frames = audio.reshape(len(audio), -1, FRAME).square().mean(-1)
    quiet = frames < frames.amax(-1, keepdim=True) * 10 ** (PAUSE / 10)
    return audio + _noise(audio) * 10 ** (level / 20) * quiet.repeat_interleave(FRAME, -1)


def low_pass(audio: Tensor, cutoff: float) -> Tensor:
    """Filters by a Butterworth of order 8 forwards and backwards, so without a delay: -6 dB at `cutoff` Hz."""
    sections = signal.butter(8, cutoff, fs=RATE, output="sos")
    filtered = signal.sosfiltfilt(sections, audio.double().numpy(), axis=-1)
    return torch.from_numpy(np.ascontiguousarray(filtered)).to(audio.dtype)


def gain(audio: Tensor, decibels: float) -> Tensor:
    """Makes clips louder or quieter."""
    return audio * 10 ** (decibels / 20)


def delay(audio: Tensor, samples: int) -> Tensor:
    """Delays clips, with silence first."""
    return torch.nn.functional.pad(audio, (samples, 0))[..., : audio.shape[-1]]


DEGRADATIONS: Mapping[str, Degrade] = MappingProxyType(
    {
        **{f"white noise, {snr} dB SNR": partial(white_noise, snr=snr) for snr in (50, 40, 30, 20, 10)},
        **{f"static in pauses, {db} dB": partial(static_in_pauses, level=db) for db in (-70, -60, -50)},
        **{f"low-pass {khz} kHz": partial(low_pass, cutoff=1000 * khz) for khz in (7, 6, 5, 4, 3)},
        **{f"gain {db:+d} dB": partial(gain, decibels=db) for db in (-6, -3, -2, -1, 1, 2, 3, 6)},
        **{f"delay {n} samples": partial(delay, samples=n) for n in (1, 4, 8, 16)},
    }
)
# Of synthesis, a part of them: the smallest would drown in what is wrong with it already.
OF_SYNTHESIS = (
    "white noise, 30 dB SNR",
    "white noise, 20 dB SNR",
    "static in pauses, -50 dB",
    "low-pass 6 kHz",
    "low-pass 4 kHz",
    "gain -3 dB",
    "gain +2 dB",
    "gain +3 dB",
    "delay 16 samples",
)


@dataclass(frozen=True)
class Fault:
    """A degradation of recordings or synthesis; the name "" is none."""

    start: str  # recording or synthesis
    name: str

    @property
    def key(self) -> str:
        """The name of its scores."""
        return f"{self.start}, {self.name or 'as it is'}"

    def degrade(self, audio: Tensor) -> Tensor:
        """Applies the degradation: [clip, samples] -> the same shape."""
        return DEGRADATIONS[self.name](audio) if self.name else audio


FAULTS = tuple(
    Fault(start, name)
    for start, names in (("recording", DEGRADATIONS), ("synthesis", OF_SYNTHESIS))
    for name in ("", *names)
)


def _noise(audio: Tensor) -> Tensor:
    return torch.from_numpy(np.random.default_rng(SEED).standard_normal(audio.shape, dtype=np.float32))
