"""Measures how well a network denoises clips in a setup, in a unit that clips, levels and voices share.

A score is the natural logarithm of mean |eps - eps_hat| over that of a stationary Wiener filter, which knows only the
clip's long-term spectrum. The filter's error follows the clip's level and colour, so setups that change the clips can
be compared too. 0 is as good as the filter, -0.7 is half its error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.batches import batches
from vocoder.dialects.dialect import FrontEnd
from vocoder.errors import InputError
from vocoder.front_end_check.setups import NOISE_LEVELS, Setup

Array = npt.NDArray[np.float64]

PIECE_SECONDS = 0.4
ZERO = math.sqrt(2 / math.pi)  # mean |eps|: the error of predicting zero
SPECTRUM = 512  # n_fft of the filter's spectrum
NOTHING = 1e-6  # of the energy: resampling leaves less above the old rate's half, and speech in quiet rooms more


class Denoiser(Protocol):
    """The part of a vocoder that a check needs."""

    @property
    def front_end(self) -> FrontEnd: ...

    @property
    def device(self) -> torch.device: ...

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        """Maps y [B, samples], mel [B, n_mels, frames], noise_level [B] -> eps [B, samples]."""


@dataclass(frozen=True)
class Scores:
    """Logarithms of the error over the Wiener filter's, [piece, level]."""

    values: Array
    zero: Array  # the same for predicting zero
    finite: bool = True  # False where the network returned NaN or infinity; that counts as an error of a million

    @property
    def mean(self) -> float:
        """Mean over pieces and levels."""
        return float(self.values.mean())

    @property
    def pieces(self) -> Array:
        """Means over levels, [piece], for paired tests."""
        return np.asarray(self.values.mean(axis=1))


def pieces_of(clips: Sequence[Clip], hop_length: int) -> list[Tensor]:
    """Cuts clips into equal stretches of whole hops, at most 0.4 s: the first of every clip, then the second ones."""
    return _in_turn([clip.audio for clip in clips], _hops_of_a_piece(clips, hop_length) * hop_length)


def mel_pieces_of(clips: Sequence[Clip], hop_length: int) -> list[Tensor] | None:
    """Returns the TTS's mels [n_mels, frames] of the same pieces, in the same order; None for clips without."""
    mels = [clip.mel for clip in clips if clip.mel is not None]
    return _in_turn(mels, _hops_of_a_piece(clips, hop_length)) if len(mels) == len(clips) else None


def _hops_of_a_piece(clips: Sequence[Clip], hop_length: int) -> int:
    longest = round(PIECE_SECONDS * clips[0].sample_rate / hop_length)
    return min([longest, *(len(clip.audio) // hop_length for clip in clips)])


def _in_turn(signals: Sequence[Tensor], length: int) -> list[Tensor]:
    """Cuts signals [..., time] into whole pieces of this length: the first of each signal, then the second ones."""
    starts = [range(0, signal.shape[-1] - length + 1, length) for signal in signals]
    cut = [[s[..., i : i + length] for i in places] for s, places in zip(signals, starts, strict=True)]
    rounds = range(max((len(pieces) for pieces in cut), default=0))
    return [pieces[i] for i in rounds for pieces in cut if i < len(pieces)]


def measure(
    denoiser: Denoiser,
    setup: Setup,
    pieces: Sequence[Tensor],
    log_snrs: Sequence[float],
    *,
    seed: int,
    mels_of_others: bool = False,
    given_mels: Tensor | None = None,
) -> Scores:
    """Scores a setup with one network evaluation per piece and level: y = sqrt(a) x + sqrt(1 - a) eps.

    Every setup gets the same eps. With `mels_of_others` each piece gets the time-reversed mel of the piece before it.
    `given_mels` [piece, n_mels, frames] stand in place of those that the setup makes.
    """
    with torch.inference_mode():
        audio, noise = _treated(setup, pieces, len(log_snrs), seed)
        audio, noise = audio.to(denoiser.device), noise.to(denoiser.device)
        mel = setup.mel(audio) if given_mels is None else given_mels.to(audio.device)
        if mels_of_others:
            mel = mel.roll(1, 0).flip(-1)
        errors = [_errors(denoiser, setup, audio, mel, noise[:, i], log_snr) for i, log_snr in enumerate(log_snrs)]
        filtered = wiener_errors(audio, log_snrs)
        values = torch.stack(errors, dim=1).double().cpu().numpy()
    finite = bool(np.isfinite(values).all())
    values = np.clip(np.nan_to_num(values, nan=np.inf), 1e-12, 1e6)
    return Scores(np.log(values) - np.log(filtered), np.log(ZERO) - np.log(filtered), finite)


def mels_of(setup: Setup, pieces: Sequence[Tensor]) -> Tensor:
    """Returns the mels that a network would get, [piece, n_mels, frames]."""
    with torch.inference_mode():
        return setup.mel(_treated(setup, pieces, 0, 0)[0])


def highest_frequency(pieces: Sequence[Tensor], sample_rate: int) -> float:
    """Returns the frequency in Hz above which pieces [samples] have no sound: less than -60 dB of their energy."""
    if len(pieces[0]) < SPECTRUM:
        return sample_rate / 2
    window = torch.hann_window(SPECTRUM, dtype=torch.float64)
    frames = torch.stack(list(pieces)).double().cpu().unfold(-1, SPECTRUM, SPECTRUM // 2) * window
    power = torch.fft.rfft(frames).abs().square().sum((0, 1))[2:]  # without a constant
    above = power.flip(0).cumsum(0).flip(0)  # from each bin upwards
    return (2 + int((above > NOTHING * above[0]).sum())) * sample_rate / SPECTRUM


def fits(setup: Setup, piece: Tensor) -> bool:
    """Tells whether a piece is long enough for the setup's mel: at a higher true rate it is shorter."""
    try:
        audio = cut_to_hops(setup.treatment(piece)[None], setup.front_end.hop_length)
        return setup.front_end(audio).shape[-1] > 0
    except InputError:
        return False


def wiener_errors(audio: Tensor, log_snrs: Sequence[float]) -> Array:
    """Returns mean |eps - eps_hat| of the stationary Wiener filter on pieces [piece, samples]: [piece, level].

    Where audio has the spectrum S, the error has a S / (a S + 1 - a) (Wiener 1949). It is taken to be Gaussian.
    """
    window = torch.hann_window(SPECTRUM, device=audio.device, dtype=audio.dtype)
    frames = torch.stft(audio, SPECTRUM, SPECTRUM // 4, window=window, return_complex=True).abs().square()
    spectrum = (frames.mean(dim=2) / window.square().sum()).double().cpu().numpy() + 1e-12
    a = 1 / (1 + np.exp(-np.array(log_snrs)))[None, :, None]
    variance = a * spectrum[:, None] / (a * spectrum[:, None] + 1 - a)
    return np.asarray(ZERO * np.sqrt(variance.mean(axis=2)))


def _treated(setup: Setup, pieces: Sequence[Tensor], levels: int, seed: int) -> tuple[Tensor, Tensor]:
    """Returns treated audio [piece, samples], no longer than before, and noise [piece, level, samples]."""
    length = len(pieces[0])
    hop = setup.front_end.hop_length
    audio = cut_to_hops(torch.stack([setup.treatment(piece)[:length] for piece in pieces]), hop)
    generators = (torch.Generator().manual_seed(seed + i) for i in range(len(pieces)))
    noise = torch.stack([torch.randn(levels, length, generator=generator) for generator in generators])
    return audio, noise[..., : audio.shape[1]]


def _errors(denoiser: Denoiser, setup: Setup, audio: Tensor, mel: Tensor, eps: Tensor, log_snr: float) -> Tensor:
    """Returns mean |eps - eps_hat| of each piece, [piece]."""
    a = 1 / (1 + math.exp(-log_snr))
    level = float(NOISE_LEVELS[setup.noise_level](math.sqrt(a)))
    y = math.sqrt(a) * audio + math.sqrt(1 - a) * eps
    parts = [
        (denoiser.predict_noise(y[rows], mel[rows], torch.full((len(y[rows]),), level, device=y.device)) - eps[rows])
        for rows in batches(len(y), y.shape[1])
    ]
    return torch.cat(parts).abs().mean(dim=1)
