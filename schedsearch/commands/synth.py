"""`schedsearch synth`: a recording's mel through the vocoder and back, with one schedule."""

import argparse
import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from schedsearch.arguments import check_new, whole_number
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.formatting import counted
from schedsearch.sampling.synthesis import copy_synthesis
from schedsearch.schedules.files import read_schedule
from schedsearch.voice.opened import open_vocoder
from vocoder.atomic import atomic_write
from vocoder.audio.reading import Clip, read_audio, resample, write_wav
from vocoder.errors import InputError, printable
from vocoder.vocoder import Vocoder


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--schedule", type=Path, required=True, help="a schedule file, or a name such as universal-6")
    parser.add_argument("--wav", type=Path, required=True, help="a mono WAV, FLAC, OGG or MP3 of any length")
    parser.add_argument("--out", type=Path, required=True, help=".wav (16-bit PCM) or .npy (float32, not clipped)")
    parser.add_argument("--force", action="store_true", help="replace OUT where it exists")
    parser.add_argument("--resample", action="store_true", help="take a recording of another sample rate")
    parser.add_argument("--seed", default="0", help="of the noise (default: 0)")


def run(options: argparse.Namespace) -> int:
    """Writes the audio, as long as the recording."""
    seed = whole_number(options.seed, "SEED", least=0, most=2**31 - 1)
    write = _writer(options.out)
    _check_kept(options.out, [options.wav, options.schedule], options.force)
    schedule = read_schedule(options.schedule)
    voice = chosen_voice(options)
    vocoder = open_vocoder(voice)
    clip = _recording(options.wav, vocoder, options.resample)
    began = time.perf_counter()
    audio = copy_synthesis(vocoder, clip, schedule, seed=seed)
    took = time.perf_counter() - began
    write(options.out, audio.cpu(), vocoder.sample_rate)
    seconds = len(audio) / vocoder.sample_rate
    made = f"{seconds:.2f} s at {vocoder.sample_rate} Hz, {counted(len(schedule), 'step')}"
    print(f"{printable(str(options.out))}: {made}, in {took:.1f} s")
    return 0


def _recording(path: Path, vocoder: Vocoder, allowed: bool) -> Clip:
    clip = read_audio(path, sample_rate=None)
    if clip.sample_rate == vocoder.sample_rate:
        return clip
    if not allowed:
        raise InputError(
            f"clip {clip.name}: {clip.sample_rate} Hz, the vocoder needs {vocoder.sample_rate} Hz; say --resample"
        )
    audio = resample(clip.audio, clip.sample_rate, vocoder.sample_rate).clamp(-1.0, 1.0)
    return Clip(clip.name, audio, vocoder.sample_rate)


_Writer = Callable[[Path, Tensor, int], None]


def _writer(out: Path) -> _Writer:
    """By the ending; refused now rather than after minutes of synthesis."""
    write = {".wav": write_wav, ".npy": _write_npy}.get(out.suffix.lower())
    if write is None:
        raise InputError(f"--out must end in .wav (16-bit PCM) or .npy (float32), and is {str(out)!r}; choose one")
    if not os.path.isdir(out.parent) or not os.access(out.parent, os.W_OK | os.X_OK) or os.path.isdir(out):
        raise InputError(f"--out must be a file in a folder that one can write to, and is {str(out)!r}; name another")
    return write


def _check_kept(out: Path, inputs: Sequence[Path], force: bool) -> None:
    """Nothing is replaced unasked, and what is read not even then."""
    for path in inputs:
        if os.path.exists(out) and os.path.exists(path) and out.samefile(path):
            raise InputError(f"--out must be none of the files that are read, and is {str(out)!r}; name another file")
    check_new(out, "--out", force)


def _write_npy(path: Path, audio: Tensor, sample_rate: int) -> None:
    buffer = io.BytesIO()
    np.save(buffer, audio.float().numpy(), allow_pickle=False)
    atomic_write(path, buffer.getvalue())
