"""Computes the mels of the three implementations and of their forks: one front end with every choice as a field."""

import math
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vocoder.dialects.dialect import FrontEnd
from vocoder.front_ends.coqui import PAD_MODES, CoquiMel, preemphasised
from vocoder.front_ends.coqui_normalisation import RangeNormalisation, StandardNormalisation
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel
from vocoder.front_ends.spectrogram import MelSettings, check_reflection, magnitudes, mel_filterbank, whole_hops


@dataclass(frozen=True)
class GeneralMel(MelSettings):
    """Computes scale * log(max(mel, floor)) + offset, clamped to [low, high]; mel of amplitude (power 1) or power (2).

    `floor` is an amplitude: the floor of a power mel is its square.
    """

    mel_scale: str = "htk"  # or slaney
    mel_norm: bool = False  # Slaney's: each triangle has area 1
    power: float = 2.0
    window_norm: bool = False  # the STFT divided by the window's root energy
    preemphasis: float = 0.0
    gain: float = 1.0  # of the audio that the mel sees
    logarithm: bool = True
    scale: float = 1 / math.log(10)  # of the natural logarithm
    offset: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    floor: float = 1e-10
    pad_mode: str = "reflect"
    lead: int = 0  # samples from i * hop_length to a frame's centre; n_fft // 2 where an STFT is not padded

    @property
    def log_units(self) -> tuple[float, ...]:
        """[n_mels]: factors that turn differences of this mel into natural-log units of power."""
        return (2 / (self.power * self.scale) if self.logarithm else 1.0,) * self.n_mels

    def __call__(self, audio: Tensor) -> Tensor:
        """Maps audio [clip, samples] to mel [clip, n_mels, samples // hop_length]."""
        audio = preemphasised(self.gain * audio.double(), self.preemphasis)
        check_reflection(audio, "lead", abs(self.lead))
        early, late = max(0, -self.lead), max(0, self.lead)
        audio = torch.nn.functional.pad(audio, (early, late), mode="reflect")[..., late : late + audio.shape[-1]]
        sizes = {"n_fft": self.n_fft, "win_length": self.win_length, "hop_length": self.hop_length}
        amplitude = magnitudes(audio, **sizes, pad_mode=self.pad_mode)
        mel = self.filters(audio.device) @ (amplitude / self.window_gain).pow(self.power)
        if self.logarithm:
            mel = self.scale * mel.clamp(min=self.floor**self.power).log() + self.offset
        return whole_hops(mel.clamp(self.low, self.high)).float()

    @property
    def window_gain(self) -> float:
        """Returns what the STFT is divided by: 1, or the root energy of a periodic Hann window."""
        return math.sqrt(3 / 8 * self.win_length) if self.window_norm else 1.0

    def filters(self, device: torch.device) -> Tensor:
        """Returns the filterbank [n_mels, n_fft // 2 + 1], float64; callers must not write into it."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Empty filters")  # narrow ones of short FFTs, as originals have
            return mel_filterbank(self, htk=self.mel_scale == "htk", equal_area=self.mel_norm, device=device)


def general(front_end: FrontEnd) -> GeneralMel | None:
    """Returns the same front end with its choices as fields; None where it has no such form."""
    if isinstance(front_end, GeneralMel):
        return front_end
    if isinstance(front_end, IvanvovkMel):
        return GeneralMel(**asdict(front_end))
    if isinstance(front_end, LmntMel):
        return of_lmnt(front_end)
    # Where each channel has its own statistics, no other front end has them.
    if isinstance(front_end, CoquiMel) and not isinstance(front_end.normalisation, StandardNormalisation):
        return of_coqui(front_end)
    return None


def of_lmnt(mel: LmntMel) -> GeneralMel:
    """Returns lmnt's mel, but for its clamp of the audio to -1..1: audio that was read lies there."""
    scaled: dict[str, Any] = {"scale": 0.2 / math.log(10), "offset": 0.8, "low": 0.0, "high": 1.0, "floor": 1e-5}
    return GeneralMel(**asdict(mel.settings), power=1.0, window_norm=True, **scaled)


def of_coqui(mel: CoquiMel) -> GeneralMel:
    """Returns a coqui mel whose normalisation, if it has any, is a range for all channels."""
    norm = mel.normalisation
    slope, offset, low, high = 1.0, 0.0, -math.inf, math.inf
    if isinstance(norm, RangeNormalisation):
        slope, bottom = norm.slopes(1)[0], -norm.max_norm if norm.symmetric else 0.0
        offset = bottom - slope * (norm.ref_level_db + norm.min_level_db)
        if norm.clip:
            low, high = bottom, norm.max_norm
    return GeneralMel(
        **asdict(mel.settings),
        mel_scale="slaney",
        mel_norm=True,
        power=1.0,
        preemphasis=mel.preemphasis,
        logarithm=mel.decibels,
        scale=slope * mel.gain / math.log(mel.log_base),
        offset=offset,
        low=low,
        high=high,
        floor=mel.amplitude_floor,
        pad_mode=PAD_MODES[mel.pad_mode],
    )
