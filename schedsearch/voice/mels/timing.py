"""Says whether mels have the length of their recordings, the checkpoint's hop, and begin where the recordings begin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vocoder.dialects.dialect import FrontEnd

Matrix = npt.NDArray[np.float64]  # [n_mels, frames]
Pair = tuple[Matrix, Matrix]  # a TTS's mel and its recording's own, of as many frames

SPARE = 8  # frames: decoders that make several at once end with up to 7 more, and some leave out the last ones
DRIFT = 0.015  # of the hop; other hops in use differ by 4 % or more
FEWEST = 8  # clips to fit a hop through their lengths
LEAST_LAG = 0.75  # frames that are too many
HALF_A_HOP = 0.3  # frames; from here on it is said
RATES = (8000, 16000, 22050, 24000, 44100, 48000)  # Hz


@dataclass(frozen=True)
class Length:
    """What a clip's mel and its recording say of its length."""

    frames: int  # of the mel
    hops: int  # whole ones of the recording

    @property
    def fits(self) -> bool:
        """Says whether the two agree, but for some frames at the end."""
        return abs(self.frames - self.hops) <= SPARE


def fault_of_hop(lengths: Sequence[Length], front_end: FrontEnd) -> str | None:
    """Says so if all mels have another hop than the checkpoint; None otherwise."""
    ratio = _frames_a_hop(lengths)
    if ratio is None:
        return None
    hop, rate = front_end.hop_length, front_end.sample_rate
    theirs = hop / ratio
    nearest = min(RATES, key=lambda other: abs(other - rate * ratio))
    at_rate = f", as hop {hop} at {nearest} Hz" if abs(nearest / (rate * ratio) - 1) < DRIFT else ""
    return (
        f"the mels have a frame about every {theirs:.0f} samples at {rate} Hz{at_rate}, and the checkpoint takes one "
        f"every {hop}; let the TTS make mels of hop {hop} at {rate} Hz"
    )


def _frames_a_hop(lengths: Sequence[Length]) -> float | None:
    """Returns how many frames the mels have in a hop of the recordings; None for about one, and where that varies."""
    frames, hops = (np.array(values, float) for values in zip(*((each.frames, each.hops) for each in lengths)))
    if len(lengths) >= FEWEST and np.ptp(hops) > 2 * SPARE:
        slope, start = np.polyfit(hops, frames, 1)
        even = np.abs(frames - slope * hops - start).max() <= SPARE
    else:
        slope = float(frames.sum() / hops.sum())
        even = not all(each.fits for each in lengths) and np.abs(frames - slope * hops).max() <= SPARE
    return float(slope) if even and abs(slope - 1) > DRIFT else None


def fault_of_length(length: Length, front_end: FrontEnd) -> str | None:
    """Says so if one mel is longer or shorter than its recording; None otherwise."""
    if length.fits:
        return None
    milliseconds = 1000 * front_end.hop_length / front_end.sample_rate
    return (
        f"the mel has {length.frames} frames ({length.frames * milliseconds / 1000:.2f} s), and the recording "
        f"{length.hops} hops ({length.hops * milliseconds / 1000:.2f} s); give a teacher-forced mel of this recording"
    )


def lag(pairs: Sequence[Pair]) -> float:
    """Returns by how many frames the first mels of all pairs begin later than the second.

    It is the peak of the correlation of their changes from frame to frame, to a part of a frame by a parabola through
    three values. Changes have a sharper peak than the mels.
    """
    reach = max(given.shape[1] for given, _ in pairs) // 2
    total = np.zeros(2 * reach + 1)
    for given, own in pairs:
        part = given.shape[1] // 2
        total[reach - part : reach + part + 1] += _products_by_lag(given, own, part)
    best = int(total.argmax())
    if not 0 < best < 2 * reach:
        return float(best - reach)
    before, at, after = total[best - 1 : best + 2]
    return float(best - reach + 0.5 * (before - after) / (before - 2 * at + after))


def _products_by_lag(given: Matrix, own: Matrix, reach: int) -> npt.NDArray[np.float64]:
    """Returns the sum over channels of the products of both mels' changes, by lags of the first up to `reach`."""
    changes = [np.diff(mel, axis=1) for mel in (given, own)]
    size = 2 * given.shape[1]
    first, second = (np.fft.rfft(change - change.mean(axis=1, keepdims=True), size, axis=1) for change in changes)
    products = np.fft.irfft((first * second.conj()).sum(axis=0), size)
    return np.concatenate([products[size - reach :], products[: reach + 1]])


def likeness(pairs: Sequence[Pair], frames: int = 0) -> float:
    """Returns the correlation of both mels over time, with the first taken `frames` later; 0 where one is constant.

    Each channel's mean is left out: what is left differs between sentences.
    """
    products = np.zeros(3)
    for given, own in pairs:
        later, recorded = given[:, max(0, frames) :], own[:, max(0, -frames) :]
        length = min(later.shape[1], recorded.shape[1])
        if length < 2:
            continue
        first, second = (mel[:, :length] - mel[:, :length].mean(axis=1, keepdims=True) for mel in (later, recorded))
        products += (first * second).sum(), (first * first).sum(), (second * second).sum()
    return float(products[0] / max(1e-12, np.sqrt(products[1] * products[2])))


def half_a_hop(frames: float) -> str | None:
    """Says so if mels are half a hop off, as those of STFTs that are not centred; None otherwise."""
    if not HALF_A_HOP <= abs(frames) < LEAST_LAG:
        return None
    side = "late" if frames > 0 else "early"
    return f"run half a hop {side} beside the recordings, as those of STFTs that are not centred; better centre them"


def fault_of_lag(frames: float, front_end: FrontEnd) -> str | None:
    """Says so if mels begin earlier or later than their recordings; None otherwise."""
    if abs(frames) < LEAST_LAG:
        return None
    milliseconds = 1000 * abs(frames) * front_end.hop_length / front_end.sample_rate
    side, way_out = ("late", "cut them from its beginning") if frames > 0 else ("early", "put them before it")
    return (
        f"run {abs(frames):.3g} frames ({milliseconds:.0f} ms) {side} beside the recording; {way_out}, "
        "or give the recordings that the TTS was run on, with their silence"
    )
