"""Measures one recording: whether it can be a clip, and its traits."""

import math
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy  # imports its subpackages at first use
import soundfile
import soxr

from vocoder.audio.decoder import promised_samples
from vocoder.audio.listed_clips import file_digest
from vocoder.audio.reading import LOUDEST, LOWEST_RATE, TooLong, open_audio, read_samples
from vocoder.errors import InputError

Samples = npt.NDArray[np.float32]  # [samples]
Levels = npt.NDArray[np.float64]  # [hops] dB of full scale

SHORTEST = 1.0  # seconds: a search takes excerpts of 0.8 s
LONGEST = 300.0  # seconds; a longer recording is a session, and would fill memory for one excerpt
HOP_SECONDS = 0.01
PAUSE_DB = 40.0  # below the clip's own loud hops; quieter hops are pause
MOST_PAUSE = 0.6  # of a clip
QUIETEST = -60.0  # dBFS RMS
FULL_SCALE = 0.99  # 8-bit audio reaches 127/128
MOST_CLIPPED = 1e-4  # of the samples; clipped is where three in a row are at full scale
LISTENED = 20.0  # seconds from the middle, for pitch, spectrum and pace
PITCH_RATE, PITCH_FRAME, PITCH_HOP = 16000, 1024, 640  # Hz and samples: frames of 64 ms every 40 ms
OCTAVE_COST = 0.01  # of an autocorrelation of 1, as Boersma has it
SPECTRUM_FRAME = 1024  # samples
PITCH_BAND = (60.0, 500.0)  # Hz
SYLLABLE_DB, SYLLABLE_HOPS = 6.0, 8  # least prominence of a peak of the level, and least distance (80 ms)


class Fault(StrEnum):
    """The reason why a recording is left out, as the summary says it."""

    UNREADABLE = "unreadable"
    STEREO = "more than one channel"
    LOW = f"a sample rate below {LOWEST_RATE} Hz"
    SHORT = f"shorter than {SHORTEST:g} s"
    LONG = f"longer than {LONGEST:g} s"
    NOT_FINITE = "NaN or infinite samples"
    SCALE = f"samples beyond {LOUDEST:g}, where full scale is 1"
    SILENT = f"silent, below {QUIETEST:g} dBFS RMS"
    PAUSE = f"more than {MOST_PAUSE:.0%} pause"
    STEADY = "steady noise or a tone, no syllables in its level"
    CLIPPED = f"clipped, more than {MOST_CLIPPED:.2%} of it at full scale"
    RATE = "another sample rate"
    COPY = "the same audio as another file"
    NAME = "the same name as another file, but for the ending"
    NO_MEL = "no mel of that name in MELS"
    MEL = "a mel that does not fit"


@dataclass(frozen=True)
class LeftOut:
    """A recording that cannot be a clip."""

    name: str  # path below the folder
    fault: Fault
    reason: str = ""  # one line, where the fault alone says too little


@dataclass(frozen=True)
class Recording:
    """A recording that can be a clip."""

    name: str  # path below the folder
    sha256: str  # of the file's bytes
    content: str  # hash of rate and samples at 16 bits: equal for a FLAC made of a WAV
    sample_rate: int  # Hz
    seconds: float
    level: float  # dBFS RMS
    pause: float  # part that is 40 dB below the loud hops
    pitch: float  # Hz, median F0 of its louder half
    centroid: float  # Hz, of its power spectrum
    pace: float  # peaks of the level per second without pauses: a proxy of syllables

    @property
    def traits(self) -> tuple[float, ...]:
        """Returns the traits that a choice of clips must cover, on perceptual scales."""
        return (self.level, math.log2(self.pitch), math.log2(self.centroid), math.log2(self.seconds), self.pace)


def measure(folder: Path, name: str) -> Recording | LeftOut:
    """Measures one file below `folder`. Anything wrong with it is a value."""
    path = folder / name
    try:
        with open_audio(path) as file:
            fault = _fault_of_header(file)
            if fault:
                return LeftOut(name, fault)
            rate = int(file.samplerate)
            samples = read_samples(file, path.stem, most=round(LONGEST * rate))[:, 0]
        if len(samples) < SHORTEST * rate:  # which a header without a length cannot say
            return LeftOut(name, Fault.SHORT)
        return _measured(path, name, samples, rate)
    except TooLong:
        return LeftOut(name, Fault.LONG)
    except InputError as error:
        return LeftOut(name, Fault.UNREADABLE, str(error))
    except OSError as error:  # it went, or its rights did, while we read
        return LeftOut(name, Fault.UNREADABLE, f"clip {path.stem}: {error.strerror}; mend it, or leave it out")


def _fault_of_header(file: soundfile.SoundFile) -> Fault | None:
    """Returns a fault that the header shows, before hours of audio are decoded."""
    promised = promised_samples(file)
    if file.channels != 1:
        return Fault.STEREO
    if file.samplerate < LOWEST_RATE:
        return Fault.LOW
    if promised is None:
        return None
    if promised < SHORTEST * file.samplerate:
        return Fault.SHORT
    return Fault.LONG if promised > LONGEST * file.samplerate else None


def _measured(path: Path, name: str, samples: Samples, rate: int) -> Recording | LeftOut:
    if not np.isfinite(samples).all():
        return LeftOut(name, Fault.NOT_FINITE)
    levels = hop_levels(samples - samples.mean(dtype=np.float64).astype(np.float32), rate)  # a constant is not heard
    spoken = levels > np.quantile(levels, 0.95) - PAUSE_DB
    level = 10 * math.log10(float(np.mean(10 ** (levels / 10))))
    pace = _pace(levels, spoken)
    fault = _fault_of_sound(samples, level, float(spoken.mean()), pace)
    if fault:
        return LeftOut(name, fault)
    heard = _middle(samples, round(LISTENED * rate))
    return Recording(
        name=name,
        sha256=file_digest(path),
        content=_content(samples, rate),
        sample_rate=rate,
        seconds=len(samples) / rate,
        level=level,
        pause=1 - float(spoken.mean()),
        pitch=_pitch(heard, rate),
        centroid=_centroid(heard, rate),
        pace=pace,
    )


def _fault_of_sound(samples: Samples, level: float, spoken: float, pace: float) -> Fault | None:
    if max(float(samples.max()), -float(samples.min())) > LOUDEST:
        return Fault.SCALE
    if level < QUIETEST:
        return Fault.SILENT
    if 1 - spoken > MOST_PAUSE:
        return Fault.PAUSE
    if not pace:
        return Fault.STEADY
    return Fault.CLIPPED if clipped_part(samples) > MOST_CLIPPED else None


def hop_levels(samples: Samples, rate: int) -> Levels:
    """Returns the mean power of each 10 ms, [hops] in dB of full scale; -200 for digital silence."""
    hop = max(1, round(HOP_SECONDS * rate))
    hops = samples[: len(samples) // hop * hop].reshape(-1, hop)
    power = np.einsum("ij,ij->i", hops, hops).astype(np.float64) / hop  # no copy of a long recording
    return np.asarray(10 * np.log10(power + 1e-20))


def clipped_part(samples: Samples) -> float:
    """Returns the part of samples where three in a row are at full scale, as in peaks that were cut off."""
    full = np.abs(samples) >= FULL_SCALE
    return float((full[:-2] & full[1:-1] & full[2:]).mean())


def _content(samples: Samples, rate: int) -> str:
    digest = sha256(f"{rate} ".encode())
    digest.update(np.round(samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return digest.hexdigest()


def _middle(samples: Samples, longest: int) -> Samples:
    begin = max(0, (len(samples) - longest) // 2)
    return samples[begin : begin + longest]


def _pitch(samples: Samples, rate: int) -> float:
    """Returns the median F0 of the louder half of the frames, which is mostly voiced.

    F0 is the peak of a frame's autocorrelation, divided by the window's, with a small cost of low octaves (Boersma
    1993, eq. 9 and 24). A median is enough to cover a range; librosa's trackers take seconds to compile per process.
    """
    heard = soxr.resample(samples, rate, PITCH_RATE, quality="LQ")
    frames = np.lib.stride_tricks.sliding_window_view(heard, PITCH_FRAME)[::PITCH_HOP]
    energy = np.square(frames).sum(axis=1)
    loud = frames[energy >= np.median(energy)]
    window = np.hanning(PITCH_FRAME)
    low, high = PITCH_BAND
    lags = np.arange(round(PITCH_RATE / high), round(PITCH_RATE / low) + 1)
    own = _autocorrelation(window[None])
    heights = _autocorrelation((loud - loud.mean(axis=1, keepdims=True)) * window)
    strength = heights[:, lags] / (heights[:, :1] + 1e-20) / (own[:, lags] / own[:, :1])
    best = lags[(strength - OCTAVE_COST * np.log2(lags)).argmax(axis=1)]
    return float(PITCH_RATE / np.median(best))


def _autocorrelation(frames: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns linear autocorrelations, [frames, samples] -> [frames, lags from 0], by the power spectrum."""
    return np.asarray(np.fft.irfft(np.square(np.abs(np.fft.rfft(frames, 2 * frames.shape[1])))))


def _centroid(samples: Samples, rate: int) -> float:
    frames = samples[: len(samples) // SPECTRUM_FRAME * SPECTRUM_FRAME].reshape(-1, SPECTRUM_FRAME)
    spectra = np.fft.rfft(frames * np.hanning(SPECTRUM_FRAME).astype(np.float32))[:, 2:]  # without what is constant
    power = np.square(np.abs(spectra)).sum(axis=0)
    frequencies = np.fft.rfftfreq(SPECTRUM_FRAME, 1 / rate)[2:]
    return float((frequencies * power).sum() / (power.sum() + 1e-20)) or 1.0


def _pace(levels: Levels, spoken: npt.NDArray[np.bool_]) -> float:
    smooth = np.convolve(levels.clip(min=levels.max() - PAUSE_DB), np.full(5, 0.2), mode="same")
    peaks, _ = scipy.signal.find_peaks(smooth, prominence=SYLLABLE_DB, distance=SYLLABLE_HOPS)
    return len(peaks) / (HOP_SECONDS * max(1, int(spoken.sum())))
