"""Reads, resamples and writes audio. Each refusal is one line: the rule, the value, the way out."""

import io
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocoder.atomic import atomic_write, make_folder
from vocoder.audio.decoder import open_to_the_end, promised_samples
from vocoder.audio.riff import fault_of_length
from vocoder.errors import InputError

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
_CHECKED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC", "OGG", "MP3")  # a cut one is noticed
SHORTEST = 0.25  # seconds: PESQ refuses less
SILENCE = 1e-4  # peak, full scale 1
MOST_SAMPLES = 1 << 28  # of all channels together, 1 GiB: 90 minutes at 48 kHz
BLOCK = 1 << 20  # samples decoded at once
LOWEST_RATE = 1000  # Hz; at the 1 Hz that a header may claim, resampling would make each sample last minutes
LOUDEST = 2.0  # peak; codecs overshoot 1 a little, and a higher peak means another scale, such as integers


@dataclass(frozen=True)
class Clip:
    """One mono recording; `name` is the file name without its ending."""

    name: str
    audio: Tensor  # [samples] float32, -1..1
    sample_rate: int  # Hz
    mel: Tensor | None = None  # [n_mels, hops of the audio], as a TTS predicts it; None: the audio's own

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.audio.dim() != 1 or self.audio.dtype != torch.float32:
            raise InputError(
                f"clip {self.name}: audio must be float32 [samples], "
                f"got {self.audio.dtype} {list(self.audio.shape)}; give one channel"
            )


def check_name(name: str) -> None:
    """Raises InputError for a file name that is not UTF-8: tables show it, and it seeds the noise."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"clip {ascii(name)}: its name must be UTF-8; rename it") from None


def read_audio(path: Path | str, *, sample_rate: int | None, resample: bool = False) -> Clip:
    """Reads a mono WAV (any depth), FLAC, OGG or MP3; `sample_rate` None accepts every rate.

    Clips overshoots of full scale to -1..1; MP3 decoding and resampling leave some.
    Raises InputError for a file that is missing, undecodable, truncated, empty, stereo, at another rate
    (unless `resample`), below 1000 Hz, shorter than 0.25 s, silent, out of scale, too long, or not finite.
    A truncated MP3 without a Xing header cannot be told from a shorter one.
    """
    path = Path(path)
    with open_audio(path) as file:
        samples, rate = read_samples(file, path.stem), int(file.samplerate)
    audio = _mono(samples, path)
    if (seconds := len(audio) / rate) < SHORTEST:
        raise InputError(f"clip {path.stem}: must last at least {SHORTEST} s, lasts {seconds:.3f} s; leave it out")
    wanted = rate if sample_rate is None else sample_rate
    if rate < LOWEST_RATE:
        raise InputError(f"clip {path.stem}: {rate} Hz, {LOWEST_RATE} Hz is the least; record or copy it again")
    if rate != wanted and not resample:
        raise InputError(f"clip {path.stem}: {rate} Hz, the vocoder needs {wanted} Hz; set resample = true")
    if len(audio) * wanted > MOST_SAMPLES * rate:
        raise InputError(
            f"clip {path.stem}: longer than {MOST_SAMPLES} samples at {wanted} Hz; cut it into clips of seconds"
        )
    return Clip(path.stem, _at_rate(audio, rate, wanted).clamp(-1.0, 1.0), wanted)


def open_audio(path: Path) -> soundfile.SoundFile:
    """Opens a file and reads its header only.

    Raises InputError for a file that is missing, empty, of another format, or truncated.
    """
    check_name(path.stem)
    if not os.path.isfile(path):
        what = "no file but a folder, a pipe or a device" if os.path.exists(path) else "no such file"
        what = "a link that leads nowhere" if os.path.islink(path) and not os.path.exists(path) else what
        raise InputError(f"clip {path.stem}: {what}, {path}; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"clip {path.stem}: the file is empty, 0 bytes; record or copy it again")
    try:
        if fault := fault_of_length(path):
            raise InputError(f"clip {path.stem}: {fault}")
        file = open_to_the_end(path)
    except OSError as error:
        raise InputError(f"clip {path.stem}: {path} cannot be read ({error.strerror}); mend its rights") from error
    except RuntimeError as error:  # libsndfile's own
        raise InputError(
            f"clip {path.stem}: cannot be decoded ({_reason(error)}); convert it to WAV, FLAC, OGG or MP3"
        ) from error
    if file.format not in _CHECKED:
        file.close()
        raise InputError(
            f"clip {path.stem}: a {file.format} file, which is not read; convert it to WAV, FLAC, OGG or MP3"
        )
    return file


class TooLong(InputError):
    """More audio than is read."""


def read_samples(file: soundfile.SoundFile, name: str, *, most: int = MOST_SAMPLES) -> NDArray[np.float32]:
    """Returns all samples of an open file, [samples, channel].

    Raises InputError where fewer decode than the header promises, and TooLong for more than `most` of all channels.
    Reads block by block: a header may promise more than the file can hold.
    """
    promised = promised_samples(file) or 0
    blocks: list[NDArray[np.float32]] = []
    decoded = 0
    while True:
        count, left = BLOCK // file.channels + 1, promised - decoded
        try:  # first what the header promises: behind it a decoder may meet a tag
            block = file.read(min(count, left) if left > 0 else count, dtype="float32", always_2d=True)
        except RuntimeError as error:
            if 0 < promised <= decoded:
                break
            raise InputError(f"clip {name}: truncated or damaged ({_reason(error)}); copy it again") from error
        if not len(block):
            break
        blocks.append(block)
        decoded += len(block)
        if decoded > most // file.channels:
            raise TooLong(f"clip {name}: longer than {most // file.channels} samples; cut it into clips of seconds")
    samples: NDArray[np.float32] = np.concatenate([np.zeros((0, file.channels), np.float32), *blocks])
    # Encoders differ in whether they count the frame that holds an MP3's length.
    if len(samples) < promised * (0.99 if file.format == "MP3" else 1):
        raise InputError(f"clip {name}: truncated, {len(samples)} of {promised} samples decode; copy it again")
    return samples


def read_folder(folder: Path | str, *, sample_rate: int | None, resample: bool = False) -> list[Clip]:
    """Returns the clips that stand directly in a folder, sorted by name. Skips hidden files."""
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise InputError(f"{folder}: no such folder of audio; check the path")
    try:
        paths = sorted((p for p in folder.iterdir() if is_audio(p)), key=lambda path: path.stem)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); mend its rights") from error
    if not paths:
        raise InputError(f"{folder}: must hold audio, no file ends in {', '.join(ENDINGS)}; put clips there")
    names = [p.stem for p in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{folder}: names must differ before the ending, {twice[0]} stands twice; rename one")
    return [read_audio(p, sample_rate=sample_rate, resample=resample) for p in paths]


def is_audio(path: Path) -> bool:
    """Tells whether a path has an ending that we read, is not hidden and is no folder.

    It may be a pipe, a device or a broken link: reading refuses these by name, without waiting for them.
    """
    return not os.path.isdir(path) and path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def resample(audio: Tensor, rate: int, target: int) -> Tensor:
    """Returns audio [samples] or [clip, samples] at `target` Hz, by soxr's high quality, detached from the graph."""
    if rate == target:
        return audio
    # soxr wants time first: [samples] or [samples, channels].
    out = soxr.resample(np.ascontiguousarray(audio.detach().cpu().numpy().T), rate, target, quality="HQ")
    return torch.from_numpy(np.ascontiguousarray(out.T)).to(audio.device)


def cut_to_hops(audio: Tensor, hop_length: int) -> Tensor:
    """Cuts the end of [..., samples], so that whole hops are left: samples == frames * hop_length."""
    frames = audio.shape[-1] // hop_length
    if frames < 1:
        raise InputError(
            f"audio must have at least one hop of {hop_length} samples, got {audio.shape[-1]}; give a longer clip"
        )
    return audio[..., : frames * hop_length]


def write_wav(path: Path | str, audio: Tensor, sample_rate: int) -> None:
    """Writes [samples] as 16-bit PCM, clipped to -1..1. The file appears whole or not at all."""
    path = Path(path)
    samples = audio.detach().cpu().float()
    if not samples.isfinite().all():
        raise InputError(f"{path.name}: audio to write must be finite, has NaN or infinite samples; write none")
    content = io.BytesIO()
    soundfile.write(content, samples.clamp(-1.0, 1.0).numpy(), sample_rate, format="WAV", subtype="PCM_16")
    make_folder(path.parent)
    atomic_write(path, content.getvalue())


_at_rate = resample  # read_audio has a flag that is called resample


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "error_string", error)).split())


def _mono(samples: NDArray[np.float32], path: Path) -> Tensor:
    """Checks the samples [samples, channel] and returns the only channel, [samples]."""
    count, channels = samples.shape
    if count == 0:
        raise InputError(f"clip {path.stem}: must hold samples, has 0; record or copy it again")
    if channels != 1:
        raise InputError(
            f"clip {path.stem}: must be mono, has {channels} channels; "
            f"take the first one: sox {shlex.quote(path.name)} {shlex.quote(path.stem + '_mono.wav')} remix 1"
        )
    if not np.isfinite(samples).all():
        bad = int((~np.isfinite(samples)).sum())
        raise InputError(f"clip {path.stem}: samples must be finite, {bad} are NaN or infinite; export it again")
    peak = float(np.abs(samples).max())
    if peak < SILENCE:
        raise InputError(f"clip {path.stem}: silent, its peak {peak:.1e} is below {SILENCE}; leave it out")
    if peak > LOUDEST:
        raise InputError(f"clip {path.stem}: samples must lie in -1..1, the peak is {peak:g}; scale the clip down")
    return torch.from_numpy(samples[:, 0].copy())


def mean_samples(clips: Sequence[Clip]) -> float:
    """Returns the mean length of clips, in samples."""
    return sum(len(clip.audio) for clip in clips) / len(clips)


def typical_excerpt(clip: Clip, seconds: float, hop_length: int) -> Clip:
    """Returns the stretch of `seconds` whose mean log energy is nearest to the clip's, or all of a shorter clip.

    It begins and ends on whole hops, and a TTS's mel is cut at the same ones. Not the loudest stretch: static is heard
    in pauses, and schedules rank differently without them.
    """
    frames = max(1, round(seconds * clip.sample_rate / hop_length))
    audio = cut_to_hops(clip.audio, hop_length)
    energy = (audio.reshape(-1, hop_length).double().square().mean(1) + 1e-8).log()
    if len(energy) <= frames:
        return replace(clip, audio=audio)
    means = energy.unfold(0, frames, 1).mean(1)
    first = int((means - energy.mean()).abs().argmin())
    excerpt = audio[first * hop_length : (first + frames) * hop_length]
    mel = None if clip.mel is None else clip.mel[:, first : first + frames]
    return Clip(clip.name, excerpt, clip.sample_rate, mel)
