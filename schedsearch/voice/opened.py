"""Opens a voice: its vocoder, clips and noise, their hashes, and the folders of its results."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.metrics.registry import DEFINITIONS
from schedsearch.sampling.noise import NoiseBank
from schedsearch.voice.config import Clips, Voice
from schedsearch.voice.mels.attached import with_mels
from schedsearch.voice.mels.files import MelFiles, mel_paths
from vocoder.atomic import make_folder
from vocoder.audio.listed_clips import read_clips, recording_names
from vocoder.audio.reading import Clip, typical_excerpt
from vocoder.errors import InputError, printable
from vocoder.vocoder import Vocoder, best_device

EXCERPT_SECONDS = 0.8  # of every search clip
LEADER_SECONDS = 3.2  # of every search clip, for the few that lead: each second tells as much, in fewer network calls
LONGEST_HELD_OUT = 10.0  # seconds; longer clips are cut to a typical part, to bound the memory
HELD_OUT_SEED = 1_000_003  # added to the seed: fresh noise


def open_vocoder(voice: Voice) -> Vocoder:
    """Loads the voice's frozen network on the best device. Raises InputError where it has another sample rate."""
    try:
        vocoder = voice.services.load_vocoder(voice.checkpoint, voice.config, device=best_device())
    except InputError as error:  # CONFIG is a variable of make voice alone, which writes what it says into this file
        raise InputError(str(error).replace("CONFIG=FILE", 'config = "FILE" in the dataset\'s file')) from error
    if vocoder.sample_rate != voice.sample_rate:
        raise InputError(
            f"the checkpoint of {voice.dataset} is for {vocoder.sample_rate} Hz, the dataset says "
            f"{voice.sample_rate}; correct [rates.{voice.sample_rate}]"
        )
    return vocoder


def search_excerpts(voice: Voice, vocoder: Vocoder, seed: int) -> tuple[Clip, ...]:
    """Returns a typical 0.8 s of every search clip, in the seed's order. A search scores schedules on these."""
    return _typical(_shuffled(_clips(voice.search_clips, voice, vocoder), seed), vocoder, EXCERPT_SECONDS)


def search_clips(voice: Voice, vocoder: Vocoder, seconds: float) -> tuple[Clip, ...]:
    """Returns a typical part of each search clip, of the given length."""
    return _typical(_clips(voice.search_clips, voice, vocoder), vocoder, seconds)


def held_out_clips(voice: Voice, vocoder: Vocoder, seconds: float = LONGEST_HELD_OUT) -> tuple[Clip, ...]:
    """Returns a typical part of each held-out clip, which no search sees."""
    return _typical(_clips(voice.held_out_clips, voice, vocoder), vocoder, seconds)


@dataclass(frozen=True)
class SearchClips:
    """What a search hears."""

    excerpts: tuple[Clip, ...]  # of the search clips, for every candidate
    longer: tuple[Clip, ...]  # of the same clips, for those that lead
    held_out: tuple[Clip, ...]  # other clips, to judge the winner on


def clips_of_a_search(voice: Voice, vocoder: Vocoder, seed: int) -> SearchClips:
    """Reads a search's clips. Raises InputError where one recording is in both sets, under any name.
    """
    searched, judging = recordings(voice.search_clips, voice), recordings(voice.held_out_clips, voice)
    _check_apart(searched, judging)
    searched, judging = (
        _with_mels(clips, source, voice, vocoder)
        for clips, source in ((searched, voice.search_clips), (judging, voice.held_out_clips))
    )
    shuffled = _shuffled(searched, seed)
    lengths = ((shuffled, EXCERPT_SECONDS), (shuffled, LEADER_SECONDS), (judging, LONGEST_HELD_OUT))
    return SearchClips(*(_typical(clips, vocoder, seconds) for clips, seconds in lengths))


def _check_apart(search: Sequence[Clip], held_out: Sequence[Clip]) -> None:
    """Raises InputError for a recording in both sets. Compares whole ones: excerpts of the same one may differ."""
    heard = {_digest(clip): clip.name for clip in search}
    for clip in held_out:
        if name := heard.get(_digest(clip)):
            raise InputError(
                f"clip {name} of search_clips is the same audio as {clip.name} of held_out_clips, "
                "and what was searched on can't judge; take it out of one"
            )


def without(clips: Iterable[Clip], others: Iterable[Clip]) -> list[Clip]:
    """Returns the clips that are not the same audio as one of the others, under any name."""
    known = {_digest(clip) for clip in others}
    return [clip for clip in clips if _digest(clip) not in known]


def _digest(clip: Clip) -> bytes:
    return sha256(clip.audio.numpy().tobytes()).digest()


def _shuffled(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Orders clips by their names and the seed alone: neighbouring files are often alike."""
    return sorted(clips, key=lambda clip: sha256(f"{seed} {clip.name}".encode()).digest())


def _typical(clips: Sequence[Clip], vocoder: Vocoder, seconds: float) -> tuple[Clip, ...]:
    return tuple(typical_excerpt(clip, seconds, vocoder.hop_length) for clip in clips)


def recordings(source: Clips, voice: Voice) -> list[Clip]:
    """Reads whole recordings at the voice's rate. InputError says how to obtain those that are missing."""
    if isinstance(source, Path) and voice.training and not source.is_dir():
        raise InputError(f"no recordings in {source}; get them: {voice.training.obtain}")
    return read_clips(source, sample_rate=voice.sample_rate, resample=voice.resample)


def _clips(source: Clips, voice: Voice, vocoder: Vocoder) -> list[Clip]:
    return _with_mels(recordings(source, voice), source, voice, vocoder)


def _with_mels(clips: list[Clip], source: Clips, voice: Voice, vocoder: Vocoder) -> list[Clip]:
    """Returns the clips with the mels of the voice's TTS, if it has one."""
    if voice.mels is None:
        return clips
    paths = mel_paths(MelFiles(voice.mels), recording_names(source))
    return with_mels(clips, paths, vocoder.front_end, check=voice.check_mels)


def clips_hash(clips: tuple[Clip, ...]) -> str:
    """Returns a SHA-256 of names, audio and mels of a TTS, the same for every order."""
    digest = sha256()
    for clip in sorted(clips, key=lambda clip: clip.name):
        digest.update(clip.name.encode())
        digest.update(clip.audio.numpy().tobytes())
        if clip.mel is not None:
            digest.update(clip.mel.numpy().tobytes())
    return digest.hexdigest()


def held_out_noise(seed: int) -> NoiseBank:
    """Returns noise that no search of this seed draws from."""
    return NoiseBank(seed + HELD_OUT_SEED)


def description(voice: Voice, vocoder: Vocoder) -> str:
    """Returns what the user is told of a voice: its network, and whose mels it gets if not the recordings'."""
    return vocoder.description + (f"; mels of a TTS: {printable(str(voice.mels))}" if voice.mels else "")


def conditions(vocoder: Vocoder) -> dict[str, Any]:
    """Returns all but schedule, clip and noise that a score depends on, in plain values."""
    return {
        "checkpoint": vocoder.weights_hash,
        "front end": repr(vocoder.front_end),
        "sampler": vocoder.dialect.reverse.name,
        "precision": vocoder.precision,
        "metric definitions": DEFINITIONS,
    }


def check_writable(folder: Path) -> None:
    """Raises InputError where the folder could not be made or written to. Makes nothing."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.exists(path))
    if not os.path.isdir(nearest):
        raise InputError(f"cannot make the folder {folder}: {nearest} is a file; name another with --results")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"cannot write to the folder {folder}; mend its rights, or name another with --results")


def make_writable(folder: Path) -> None:
    """Makes the folder. Raises InputError where that fails or the folder is not writable."""
    check_writable(folder)
    make_folder(folder, "name another with --results")
