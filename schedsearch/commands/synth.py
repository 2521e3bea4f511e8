"""`schedsearch synth`: synthesises a recording again from its mel spectrogram, with one schedule."""

import argparse
import io
import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from torch import Tensor

from schedsearch.arguments import add_seed, check_new, given_path
from schedsearch.commands import voice_options
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.formatting import counted
from schedsearch.sampling.synthesis import copy_synthesis, synthesise
from schedsearch.schedules.files import read_schedule
from schedsearch.voice.config import Voice
from schedsearch.voice.mels.attached import with_mels
from schedsearch.voice.mels.files import read_mel
from schedsearch.voice.mels.scaling import unlike_values
from schedsearch.voice.opened import open_vocoder, search_excerpts
from vocoder.atomic import atomic_write
from vocoder.audio.reading import Clip, read_audio, resample, write_wav
from vocoder.errors import InputError, printable
from vocoder.vocoder import Vocoder


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    voice_options.add(parser)
    sound = parser.add_argument_group("what to synthesise")
    sound.add_argument("--schedule", type=given_path, required=True, help="a schedule file, or a name: universal-6")
    sound.add_argument("--wav", type=given_path, help="a mono WAV, FLAC, OGG or MP3 of any length")
    sound.add_argument(
        "--mel", type=given_path, help="a TTS's mel, .npy or .pt, in place of that of WAV, or checked against it"
    )
    sound.add_argument("--resample", action="store_true", help="take a recording of another sample rate")
    add_seed(sound, "the noise")
    result = parser.add_argument_group("result")
    result.add_argument(
        "--out", type=given_path, required=True, help=".wav (16-bit PCM) or .npy (float32, not clipped)"
    )
    result.add_argument("--force", action="store_true", help="replace OUT if it exists")


def run(options: argparse.Namespace) -> int:
    """Writes the audio, as long as the recording, or as the mel alone."""
    inputs = [path for path in (options.wav, options.mel) if path]
    if not inputs:
        raise InputError("synth needs a recording or a mel; give --wav FILE or --mel FILE")
    if options.resample and not options.wav:
        raise InputError("--resample is of a recording, and --mel has none; give --wav too, or leave --resample out")
    write = _writer(options.out)
    _check_out(options.out, [*inputs, options.schedule], options.force)
    schedule = read_schedule(options.schedule)
    voice = chosen_voice(options)
    vocoder = open_vocoder(voice)
    source = _clip(options, vocoder) if options.wav else _mel(options.mel, voice, vocoder)
    began = time.perf_counter()
    if isinstance(source, Clip):
        audio = copy_synthesis(vocoder, source, schedule, seed=options.seed)
    else:
        audio = synthesise(vocoder, source, schedule, seed=options.seed, name=options.mel.stem)
    duration = time.perf_counter() - began
    write(options.out, audio.cpu(), vocoder.sample_rate)
    seconds = len(audio) / vocoder.sample_rate
    summary = f"{seconds:.2f} s at {vocoder.sample_rate} Hz, {counted(len(schedule), 'step')}"
    print(f"{printable(str(options.out))}: {summary}, in {duration:.1f} s")
    return 0


def _clip(options: argparse.Namespace, vocoder: Vocoder) -> Clip:
    """Returns the recording, with the mel of --mel where that is given too."""
    clip = _recording(options.wav, vocoder, options.resample)
    return with_mels([clip], {clip.name: options.mel}, vocoder.front_end)[0] if options.mel else clip


def _mel(path: Path, voice: Voice, vocoder: Vocoder) -> Tensor:
    """Reads a mel; a note says where its values lie elsewhere than those of the voice's recordings."""
    mel = read_mel(path, vocoder.front_end.n_mels)
    with suppress(InputError):  # without recordings nothing can be said
        if remark := unlike_values(mel, search_excerpts(voice, vocoder, seed=0), vocoder.front_end):
            warnings.warn(f"mel {printable(str(path))}: {remark}", stacklevel=1)
    return mel


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


def _writer(out: Path) -> Callable[[Path, Tensor, int], None]:
    """Chooses the writer by the ending; InputError now, not after minutes of synthesis."""
    write = {".wav": write_wav, ".npy": _write_npy}.get(out.suffix.lower())
    if write is None:
        raise InputError(f"--out must end in .wav (16-bit PCM) or .npy (float32), and is {str(out)!r}; choose one")
    if not os.path.isdir(out.parent) or not os.access(out.parent, os.W_OK | os.X_OK) or os.path.isdir(out):
        raise InputError(f"--out must be a file in a folder that one can write to, and is {str(out)!r}; name another")
    return write


def _check_out(out: Path, inputs: Sequence[Path], force: bool) -> None:
    """Raises InputError if a file would be replaced without --force, or an input at all."""
    for path in inputs:
        if os.path.exists(out) and os.path.exists(path) and out.samefile(path):
            raise InputError(f"--out must be none of the files that are read, and is {str(out)!r}; name another file")
    check_new(out, "--out", force)


def _write_npy(path: Path, audio: Tensor, sample_rate: int) -> None:
    buffer = io.BytesIO()
    np.save(buffer, audio.float().numpy(), allow_pickle=False)
    atomic_write(path, buffer.getvalue())
