"""What a network is handed: a front end, and what may be undone to the clips, the noise level and the hop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from scipy.signal import lfilter
from torch import Tensor

from vocoder.audio.reading import resample
from vocoder.dialects.dialect import FrontEnd

LINEAR_SCALE = 5000.0  # of the noise level in ivanvovk's encoding; lmnt's is the same at scale 1
NOISE_LEVELS = {  # what is passed, as a function of sqrt(alphas_cumprod)
    "sqrt(alphas_cumprod)": lambda level: level,
    "alphas_cumprod": lambda level: level**2,
    "sqrt(1 - alphas_cumprod)": lambda level: (1 - level**2) ** 0.5,
    "sqrt(alphas_cumprod) / 5000": lambda level: level / LINEAR_SCALE,
    "5000 sqrt(alphas_cumprod)": lambda level: level * LINEAR_SCALE,
}


@dataclass(frozen=True)
class Treatment:
    """What is done to clips before anything else; the plain one leaves them alone."""

    gain: float = 1.0
    backwards: bool = False
    rates: tuple[int, int] | None = None  # Hz: taken to be at the first one, and resampled to the second one
    deemphasis: float = 0.0

    def __call__(self, audio: Tensor) -> Tensor:
        """[samples] -> [other samples]."""
        audio = self.gain * (audio.flip(0) if self.backwards else audio)
        if self.deemphasis:
            audio = torch.from_numpy(lfilter([1.0], [1.0, -self.deemphasis], audio.cpu().numpy())).to(audio)
        return audio if self.rates is None else resample(audio, *self.rates)


@dataclass(frozen=True)
class Setup:
    """One way to hand clips to a network."""

    front_end: FrontEnd
    treatment: Treatment = Treatment()
    noise_level: str = "sqrt(alphas_cumprod)"  # a key of NOISE_LEVELS
    factors: tuple[int, ...] | None = None  # of up- and downsampling; None are the network's own


@dataclass(frozen=True)
class Variant:
    """A setup that differs from the given one in one setting (or in all, another implementation's front end)."""

    setting: str
    value: str
    changes: Mapping[str, object]  # fields of Setup

    @property
    def name(self) -> str:
        """Such as "f_min = 80 Hz"."""
        return f"{self.setting} = {self.value}"

    def of(self, given: Setup) -> Setup:
        """The given setup with the change."""
        return replace(given, **self.changes)  # type: ignore[arg-type]
