"""Lists every metric that can be an objective or a column.

A `Definition` wraps one function:

    def hum(reference: Tensor, estimate: Tensor) -> Tensor: ...  # [..., samples] each -> [...], one value per clip
    Definition("hum", "dB", "minimize", "energy at 50 Hz", lambda setup: of_batches(hum))

or a function of two clips [samples], where clips are scored one by one:

    def score(reference: Tensor, estimate: Tensor) -> float | Failure: ...
    Definition("mine", "MOS", "maximize", "my listeners", lambda setup: of_clips(score))

`setup` has the front end and the sample rate. A metric must not depend on other clips, earlier calls or fresh
randomness: equal audio gets equal values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from torch import Tensor

from schedsearch.metrics import mos
from schedsearch.metrics.cepstral import mel_cepstral_distortion
from schedsearch.metrics.combined import of_sum
from schedsearch.metrics.intelligibility import parallel_stoi
from schedsearch.metrics.level import level
from schedsearch.metrics.measuring import Measure, Value, of_batches, of_clips, of_pairs, of_tracks, remembering
from schedsearch.metrics.perceptual import BEST, parallel_pesq, pesq_column, pesq_mode
from schedsearch.metrics.pitch import PitchTrack, Tracker, f0_frame_error, f0_rmse, voicing_error
from schedsearch.metrics.spectral import LogMel, log_mel_and_convergence, log_mel_l1, ls_mae
from schedsearch.metrics.stft import (
    log_spectral_distance,
    log_stft_magnitude,
    multi_resolution_stft,
    spectral_convergence,
)

Direction = Literal["minimize", "maximize"]
# Time of one thread for a second of audio at 16 kHz: log-mel L1 1 ms, LSD 1, LS-MAE and MCD 2.4, each STFT distance
# 4.5, STOI 4, extended STOI 7, PESQ 21, pitch 185 (once for its three metrics).


@dataclass(frozen=True)
class Setup:
    """The voice that metrics are bound to."""

    front_end: LogMel
    sample_rate: int  # Hz
    jobs: int = 1  # processes

    @cached_property
    def spectral(self) -> Measure:
        """Shared by the spectral distance and the sum with PESQ, which often score the same audio."""
        return remembering(of_batches(log_mel_and_convergence(self.front_end)))

    @cached_property
    def pesq(self) -> Measure:
        """Shared by PESQ and the sum with it, which often score the same audio."""
        return remembering(of_pairs(lambda pairs: parallel_pesq(pairs, self.sample_rate, self.jobs)))

    @cached_property
    def tracker(self) -> Tracker:
        """Shared by all pitch metrics: pYIN is by far their slowest part."""
        return Tracker(self.sample_rate, self.jobs)


@dataclass(frozen=True)
class Definition:
    """A metric that can be bound to any voice."""

    name: str
    unit: str
    direction: Direction
    summary: str  # one line
    bind: Callable[[Setup], Measure]
    ranks: bool = True  # False where neither more nor less of it is better
    function: str = ""  # of a user's own metric: package.module:function
    source: str = ""  # and the SHA-256 of its files
    quiet_part: str = ""  # a metric that this one adds to something noisier


def catalogue(sample_rate: int) -> tuple[Definition, ...]:
    """Returns all metrics, those of the spectrum first. PESQ's name has the mode that fits the sample rate.

    Distill-MOS is always among them: tables that hold it can be read where it is not installed.
    """
    return (*_spectral(), *_perceptual(sample_rate), _mos(), *_pitch(), _level())


def _spectral() -> tuple[Definition, ...]:
    own_mel = "log-mel distance in the checkpoint's own front end"
    quiet, both = "quiet parts count as much as loud ones", "quiet and loud parts"
    return (
        Definition(
            "log_mel_l1", "ln power", "minimize", own_mel, lambda setup: of_batches(log_mel_l1(setup.front_end))
        ),
        _at_rate("ls_mae", "ln amplitude", "log-mel distance in 128 mels, the same for all voices (WaveGrad)", ls_mae),
        _at_rate("lsd", "dB", "log-spectral distance of 32 ms frames, to half the sample rate", log_spectral_distance),
        _at_rate("mcd", "dB", "mel-cepstral distortion, c1 to c13: the envelope's shape", mel_cepstral_distortion),
        _stft("stft_convergence", "1", "spectral convergence: the loudest parts decide", spectral_convergence),
        _stft("stft_log_magnitude", "ln amplitude", f"log STFT distance: {quiet}", log_stft_magnitude),
        Definition(
            "spectral",
            "1",
            "minimize",
            f"log-mel distance + spectral convergence: {both}",
            lambda setup: setup.spectral,
        ),
        _stft("mr_stft", "1", "STFT distance: spectral convergence and log magnitude added", multi_resolution_stft),
    )


def _perceptual(sample_rate: int) -> tuple[Definition, ...]:
    mode = pesq_mode(sample_rate)
    band = {"wb": "wide band at 16 kHz", "nb": "narrow band at 8 kHz"}[mode]
    return (
        Definition(
            f"spectral_pesq_{mode}",
            "1",
            "minimize",
            "spectral + what PESQ lacks to its best: what is written and what is heard",
            lambda setup: of_sum(BEST[mode], ((1.0, setup.spectral), (-1.0, setup.pesq))),
            quiet_part="spectral",
        ),
        Definition(
            pesq_column(sample_rate),
            "MOS-LQO",
            "maximize",
            f"PESQ, {band}: predicted opinion of listeners, 1 to about 4.6",
            lambda setup: setup.pesq,
        ),
        _stoi("stoi", "short-time objective intelligibility, to 1", extended=False),
        _stoi("estoi", "extended STOI, to 1: stricter with noise that comes and goes", extended=True),
    )


def _mos() -> Definition:
    summary = "Distill-MOS (make mos): predicted opinion of listeners, 1 to 5; hears the estimate alone"
    return Definition(
        mos.NAME,
        "MOS",
        "maximize",
        summary,
        lambda setup: of_clips(lambda reference, estimate: mos.distill_mos(estimate, setup.sample_rate)),
    )


def _pitch() -> tuple[Definition, ...]:
    return (
        _of_pitch("f0_rmse", "cents", "RMS error of F0 where both are voiced", f0_rmse),
        _of_pitch("voicing_error", "%", "frames voiced in one alone", voicing_error),
        _of_pitch("ffe", "%", "F0 frame error: wrong voicing, or F0 more than 20 % off", f0_frame_error),
    )


def _level() -> Definition:
    summary = "loudness beside the reference's: 0 is equal, neither direction is better"
    return Definition("level", "dB", "minimize", summary, lambda setup: of_batches(level), ranks=False)


def _stft(name: str, unit: str, summary: str, distance: Callable[[Tensor, Tensor], Tensor]) -> Definition:
    return Definition(name, unit, "minimize", f"multi-resolution {summary}", lambda setup: of_batches(distance))


def _at_rate(name: str, unit: str, summary: str, distance: Callable[[Tensor, Tensor, int], Tensor]) -> Definition:
    return Definition(
        name, unit, "minimize", summary, lambda setup: of_batches(lambda r, e: distance(r, e, setup.sample_rate))
    )


def _stoi(name: str, summary: str, *, extended: bool) -> Definition:
    return Definition(
        name,
        "correlation",
        "maximize",
        summary,
        lambda setup: of_pairs(lambda p: parallel_stoi(p, setup.sample_rate, setup.jobs, extended=extended)),
    )


def _of_pitch(name: str, unit: str, summary: str, compare: Callable[[PitchTrack, PitchTrack], Value]) -> Definition:
    return Definition(name, unit, "minimize", summary, lambda setup: of_tracks(setup.tracker, compare))
