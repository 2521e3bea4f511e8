"""Describes one way to feed a network: front end, treatment of the clips, noise level, factors and dilations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import scipy  # imports its subpackages at first use
import torch
from torch import Tensor

from vocoder.audio.reading import resample
from vocoder.dialects.dialect import FrontEnd
from vocoder.network import NetworkConfig

LINEAR_SCALE = 5000.0  # of the noise level in ivanvovk's encoding; lmnt's is the same at scale 1
NOISE_LEVELS = {  # the value that the network gets, as a function of sqrt(alphas_cumprod)
    "sqrt(alphas_cumprod)": lambda level: level,
    "alphas_cumprod": lambda level: level**2,
    "sqrt(1 - alphas_cumprod)": lambda level: (1 - level**2) ** 0.5,
    "sqrt(alphas_cumprod) / 5000": lambda level: level / LINEAR_SCALE,
    "5000 sqrt(alphas_cumprod)": lambda level: level * LINEAR_SCALE,
}
Numbers: TypeAlias = float | tuple[float, ...]  # one for all channels of a mel, or one for each


@dataclass(frozen=True)
class Treatment:
    """A change that is made to clips first; the default leaves them alone."""

    centred: bool = False  # without a constant offset
    gain: float = 1.0
    backwards: bool = False
    rates: tuple[int, int] | None = None  # Hz: the true rate, and the rate to resample to
    deemphasis: float = 0.0

    def __call__(self, audio: Tensor) -> Tensor:
        """Maps [samples] to [other samples]."""
        audio = audio - audio.mean() if self.centred else audio
        audio = self.gain * (audio.flip(0) if self.backwards else audio)
        if self.deemphasis:
            filtered = scipy.signal.lfilter([1.0], [1.0, -self.deemphasis], audio.cpu().numpy())
            audio = torch.from_numpy(filtered).to(audio)
        return audio if self.rates is None else resample(audio, *self.rates)


@dataclass(frozen=True)
class Setup:
    """One way to feed clips to a network. Where a field of the network is None, it keeps its own."""

    front_end: FrontEnd
    affine: tuple[Numbers, Numbers] = (1.0, 0.0)  # factor and offset of its mel
    treatment: Treatment = Treatment()
    noise_level: str = "sqrt(alphas_cumprod)"  # a key of NOISE_LEVELS
    factors: tuple[int, ...] | None = None  # of up- and downsampling
    up_dilations: tuple[tuple[int, int, int, int], ...] | None = None
    down_dilations: tuple[tuple[int, ...], ...] | None = None

    def mel(self, audio: Tensor) -> Tensor:
        """Returns the mel that the network gets, [clip, samples] -> [clip, n_mels, frames]."""
        mel = self.front_end(audio)
        factor, offset = (torch.tensor(number, dtype=mel.dtype, device=mel.device) for number in self.affine)
        return factor.reshape(-1, 1) * mel + offset.reshape(-1, 1)

    def network(self, own: NetworkConfig) -> NetworkConfig:
        """Returns the network's sizes with this setup's factors and dilations, on which no weight's shape depends."""
        names = ("factors", "up_dilations", "down_dilations")
        return replace(own, **{name: value for name in names if (value := getattr(self, name)) is not None})


@dataclass(frozen=True)
class MelStatistics:
    """Mean and standard deviation of a mel on the clips, of the whole and of each channel."""

    mean: float
    deviation: float
    means: tuple[float, ...]  # [n_mels]
    deviations: tuple[float, ...]  # [n_mels]


@dataclass(frozen=True)
class Variant:
    """A change of one setting, or of the whole front end to another implementation's."""

    setting: str
    value: str
    changes: Mapping[str, object]  # fields of Setup

    @property
    def name(self) -> str:
        """Setting and value, such as "f_min = 80 Hz"."""
        return f"{self.setting} = {self.value}"

    def of(self, given: Setup) -> Setup:
        """Returns the given setup with the change."""
        return replace(given, **self.changes)  # type: ignore[arg-type]
