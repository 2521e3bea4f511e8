"""Computes the mel of github.com/coqui-ai/TTS: AudioProcessor (TTS/utils/audio/processor.py)."""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vocoder.errors import InputError
from vocoder.front_ends.coqui_normalisation import RangeNormalisation, StandardNormalisation
from vocoder.front_ends.spectrogram import MelSettings, magnitudes, mel_filterbank, whole_hops

# numpy's names for padding, and torch's; librosa's centred STFT takes no others that torch has.
PAD_MODES = {"reflect": "reflect", "constant": "constant", "edge": "replicate"}
AMPLITUDE_FLOOR = 1e-8  # TTS/utils/audio/numpy_transforms.py, amp_to_db, since 0.20.6 (November 2023)
OLD_AMPLITUDE_FLOOR = 1e-5  # before, and in mozilla TTS: all WaveGrads that coqui published


@dataclass(frozen=True)
class CoquiMel:
    """Computes an amplitude mel (Slaney scale and norm), then decibels, then a normalisation; either may be absent.

    Computed in float64 and cast to float32 at the end, as there: its audio is read in float64.
    """

    sample_rate: int = 22050  # Hz
    n_fft: int = 1024
    win_length: int = 1024
    hop_length: int = 256
    f_min: float = 0.0  # Hz
    f_max: float | None = None  # Hz; None is half the sample rate
    n_mels: int = 80
    preemphasis: float = 0.0
    pad_mode: str = "reflect"  # numpy's name
    decibels: bool = True
    gain: float = 20.0  # of the logarithm
    log_base: float = 10.0
    normalisation: RangeNormalisation | StandardNormalisation | None = RangeNormalisation()
    amplitude_floor: float = AMPLITUDE_FLOOR  # below it the logarithm sees this

    def __post_init__(self) -> None:
        if (top := self.settings.f_max) > self.sample_rate / 2:
            raise InputError(f"mel_fmax must not exceed half of {self.sample_rate} Hz, got {top}; lower it")
        if self.pad_mode not in PAD_MODES:
            raise InputError(f"stft_pad_mode must be one of {', '.join(PAD_MODES)}, got {self.pad_mode!r}; correct it")
        if self.gain == 0:
            raise InputError("spec_gain must not be 0: every mel would be the same; use coqui's 20")
        if not 0 < self.amplitude_floor < math.inf:
            raise InputError(
                f"amplitude_floor must be above 0, got {self.amplitude_floor}; give {OLD_AMPLITUDE_FLOOR} (before "
                f"coqui 0.20.6) or {AMPLITUDE_FLOOR}"
            )
        if isinstance(self.normalisation, StandardNormalisation) and len(self.normalisation.mean) != self.n_mels:
            raise InputError(
                f"mel statistics must have num_mels = {self.n_mels} channels, "
                f"got {len(self.normalisation.mean)}; give the statistics this vocoder was trained with"
            )

    def __repr__(self) -> str:
        """Leaves out the default floor: what names a front end by this text is older than the field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.amplitude_floor == AMPLITUDE_FLOOR:
            del values["amplitude_floor"]
        return f"CoquiMel({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    @property
    def settings(self) -> MelSettings:
        """Returns the sizes and the band. InputError for those that no STFT or filterbank can have."""
        top = self.sample_rate / 2 if self.f_max is None else self.f_max
        return MelSettings(self.sample_rate, self.n_fft, self.win_length, self.hop_length, self.f_min, top, self.n_mels)

    @property
    def log_units(self) -> tuple[float, ...]:
        """Returns factors [n_mels] that turn differences of this mel into natural-log units of power.

        1 where it has no logarithm.
        """
        even = (1.0,) * self.n_mels
        if not self.decibels:
            return even
        slopes = even if self.normalisation is None else self.normalisation.slopes(self.n_mels)
        return tuple(2 * math.log(self.log_base) / (self.gain * slope) for slope in slopes)

    def __call__(self, audio: Tensor) -> Tensor:
        """Maps audio [clip, samples] to mel [clip, n_mels, samples // hop_length]."""
        # Mixed precision around the caller leaves float64 alone.
        mel = self._log(self._amplitude(audio.double()))
        return whole_hops(mel if self.normalisation is None else self.normalisation(mel)).float()

    def _amplitude(self, audio: Tensor) -> Tensor:
        spectrum = magnitudes(
            preemphasised(audio, self.preemphasis),
            n_fft=self.n_fft,
            win_length=self.win_length,
            hop_length=self.hop_length,
            pad_mode=PAD_MODES[self.pad_mode],
        )
        return mel_filterbank(self.settings, htk=False, equal_area=True, device=audio.device) @ spectrum

    def _log(self, amplitude: Tensor) -> Tensor:
        if not self.decibels:
            return amplitude
        return self.gain / math.log(self.log_base) * amplitude.clamp(min=self.amplitude_floor).log()


def preemphasised(audio: Tensor, coefficient: float) -> Tensor:
    """Returns y[t] = x[t] - coefficient * x[t - 1], with x[-1] = 0."""
    before = torch.nn.functional.pad(audio, (1, 0))[..., :-1]
    return audio - coefficient * before
