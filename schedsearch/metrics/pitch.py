"""Computes errors of the fundamental frequency by librosa's pYIN. No other module calls it."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module

import librosa
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from schedsearch.metrics.clips import Samples, array, obstacle
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.processes import spread
from vocoder.audio.reading import resample

RATE = 16000  # Hz, for audio of every rate: F0 needs no more, and a lower rate would make its grid coarser
LOWEST, HIGHEST = 60.0, 600.0  # Hz: speech
FRAME, HOP = 1024, 160  # samples: 64 ms (four periods at 60 Hz) every 10 ms
GROSS = 0.2  # of the reference's F0; larger deviations are gross pitch errors
REMEMBERED = 512  # tracks of some kB each


@dataclass(frozen=True)
class PitchTrack:
    """F0 of one clip, 100 times a second."""

    f0: npt.NDArray[np.float64]  # [frames] Hz, NaN where unvoiced

    @property
    def voiced(self) -> npt.NDArray[np.bool_]:
        """Returns a mask [frames] of the frames with a voice."""
        return ~np.isnan(self.f0)


def f0_rmse(reference: PitchTrack, estimate: PitchTrack) -> float | Failure:
    """Returns sqrt(mean((1200 log2(f_est / f_ref))^2)) over the frames voiced in both: cents from 0, lower is better.

    Octave errors count in full (1200 cents each). Frames that lost their voicing do not count, so read it beside the
    voicing error. A gain changes nothing; a delay of 1 ms costs 12 cents on the demo voice, as much as white noise of
    -40 dB. A Failure where no frame is voiced in both. As in Hayashi et al. 2021 (ESPnet2-TTS), which gives the
    logarithm of the ratio; in cents it is 1731 times that.
    """
    both = reference.voiced & estimate.voiced
    if not both.any():
        return _nothing_voiced(reference) or Failure("no frame is voiced in both reference and estimate")
    cents = 1200 * np.log2(estimate.f0[both] / reference.f0[both])
    return float(np.sqrt(np.mean(cents**2)))


def voicing_error(reference: PitchTrack, estimate: PitchTrack) -> float | Failure:
    """Returns the voicing decision error: frames voiced in one alone, in percent of all; 0 to 100, lower is better.

    Nakatani et al. 2008, as in Chu & Alwan 2009, eq. 3. A gain changes nothing; a delay of 1 ms costs 2 % on the demo
    voice. A Failure where the reference has no voiced frame.
    """
    return _nothing_voiced(reference) or _percent(reference.voiced != estimate.voiced)


def f0_frame_error(reference: PitchTrack, estimate: PitchTrack) -> float | Failure:
    """Returns the FFE (Chu & Alwan 2009, eq. 4), in percent of all frames; 0 to 100, lower is better.

    Counts frames with a voicing error, and those voiced in both with F0 more than 20 % off the reference's. Gain and
    delay as in the voicing error. A Failure where the reference has no voiced frame.
    """
    with np.errstate(invalid="ignore"):  # comparisons with NaN are false, as they should be
        gross = np.abs(estimate.f0 / reference.f0 - 1) > GROSS
    return _nothing_voiced(reference) or _percent(gross | (reference.voiced != estimate.voiced))


class Tracker:
    """Tracks the pitch of many clips over `jobs` processes, of each clip once.

    By pYIN (Mauch & Dixon 2014), 60 to 600 Hz in tenths of a semitone, every 10 ms. A pure gain changes nothing. A
    Failure for NaN and for silence. Three metrics look at the same audio, and all candidates at the same references, so
    the latest tracks are remembered by content.
    """

    def __init__(self, sample_rate: int, jobs: int = 1) -> None:
        self._sample_rate, self._jobs = sample_rate, jobs
        self._known: OrderedDict[bytes, PitchTrack | Failure] = OrderedDict()

    def __call__(self, clips: Sequence[Tensor]) -> list[PitchTrack | Failure]:
        """Returns the tracks of clips, [samples] each, in order."""
        arrays = {_key(samples): samples for samples in map(array, clips)}
        tracks = {key: self._known[key] for key in arrays if key in self._known}
        fresh = [key for key in arrays if key not in tracks]
        _compile()
        calls = [(arrays[key], self._sample_rate) for key in fresh]
        tracks |= zip(fresh, spread(_track, calls, self._jobs), strict=True)
        self._remember(tracks)
        return [tracks[_key(array(clip))] for clip in clips]

    def _remember(self, tracks: dict[bytes, PitchTrack | Failure]) -> None:
        for key, track in tracks.items():
            self._known[key] = track
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _compile() -> None:
    """Compiles librosa's functions, or reads them from disk, before several processes do so at once.

    Two that compile together can leave a cache with which every later pYIN is a segmentation fault (numba's issue
    10128).
    """
    import_module("librosa.core.pitch")


def _track(samples: Samples, sample_rate: int) -> PitchTrack | Failure:
    failure = obstacle("audio", samples)
    if failure is not None:
        return failure
    heard = resample(torch.from_numpy(samples), sample_rate, RATE).numpy()
    f0, _, _ = librosa.pyin(heard, sr=RATE, fmin=LOWEST, fmax=HIGHEST, frame_length=FRAME, hop_length=HOP)
    return PitchTrack(f0)


def _nothing_voiced(reference: PitchTrack) -> Failure | None:
    return None if reference.voiced.any() else Failure("the reference has no voiced frame")


def _percent(wrong: npt.NDArray[np.bool_]) -> float:
    return 100 * float(wrong.mean())


def _key(samples: Samples) -> bytes:
    return blake2b(samples.tobytes(), digest_size=16).digest()
