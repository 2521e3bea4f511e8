"""Surveys a folder of recordings: those that can be clips, and why the others cannot."""

import os
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import joblib

from schedsearch.voice.adding.recording import Fault, LeftOut, Recording, measure
from schedsearch.voice.walking import visible_files
from vocoder.audio.listed_clips import clip_name
from vocoder.audio.reading import ENDINGS, is_audio
from vocoder.errors import InputError, reason_of

ALONE = 64  # up to so many files, other processes would start more slowly than one measures


@dataclass(frozen=True)
class Survey:
    """The recordings of a folder."""

    usable: tuple[Recording, ...]  # in the order of their contents' hashes, so that names do not matter
    left_out: tuple[LeftOut, ...]

    @property
    def minutes(self) -> float:
        """Returns the length of the usable recordings together, in minutes."""
        return sum(recording.seconds for recording in self.usable) / 60

    @property
    def faults(self) -> dict[Fault, list[LeftOut]]:
        """Returns the files left out for each fault, in the order of `Fault`."""
        by_fault = {fault: [entry for entry in self.left_out if entry.fault is fault] for fault in Fault}
        return {fault: entries for fault, entries in by_fault.items() if entries}


def audio_names(folder: Path) -> list[str]:
    """Returns the paths of all audio below a folder, sorted. Skips hidden files and folders."""
    if not os.path.isdir(folder):
        raise InputError(f"WAVS must name a folder of recordings, and {str(folder)!r} is not a folder; check the path")
    names = [path.relative_to(folder).as_posix() for path in visible_files(folder, "WAVS") if is_audio(path)]
    if not names:
        raise InputError(f"{folder}: must hold audio, no file ends in {', '.join(ENDINGS)}; name another with WAVS=")
    return sorted(names)


def scan(folder: Path, names: Sequence[str], *, jobs: int) -> Iterator[Recording | LeftOut]:
    """Yields every file's measurements, by `jobs` processes and in the order in which they end."""
    legal = [name for name in names if not _is_misnamed(name)]
    yield from (_misnamed(name) for name in names if _is_misnamed(name))
    if jobs == 1 or len(legal) <= ALONE:
        yield from (measure(folder, name) for name in legal)
        return
    left = dict.fromkeys(legal)
    try:
        workers = joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", max_nbytes=None)
        for entry in workers(joblib.delayed(measure)(folder, name) for name in legal):
            del left[entry.name]
            yield entry
    except (OSError, BrokenExecutor) as error:  # no process could be started, or one was killed
        warnings.warn(f"worker processes are lost ({reason_of(error)}): the rest is measured in this one", stacklevel=2)
        yield from (measure(folder, name) for name in left)


def sorted_out(measured: Iterable[Recording | LeftOut], sample_rate: int, *, resample: bool) -> Survey:
    """Keeps one file of each recording and of each clip's name, at the vocoder's rate unless clips are resampled."""
    everything = list(measured)
    left_out = [entry for entry in everything if isinstance(entry, LeftOut)]
    recordings = [entry for entry in everything if isinstance(entry, Recording)]
    at_rate = [r for r in recordings if resample or r.sample_rate == sample_rate]
    other = [r for r in recordings if not (resample or r.sample_rate == sample_rate)]
    left_out += [LeftOut(r.name, Fault.RATE, f"{r.sample_rate} Hz") for r in other]
    ordered = sorted(at_rate, key=lambda r: (r.content, r.name))
    copies = _later([(r.content, r.name) for r in ordered])
    ordered = [r for r in ordered if r.name not in copies]
    namesakes = _later(sorted((clip_name(r.name), r.content, r.name) for r in ordered))
    left_out += [LeftOut(name, Fault.COPY, f"as {first}") for name, first in copies.items()]
    left_out += [LeftOut(name, Fault.NAME, f"as {first}") for name, first in namesakes.items()]
    usable = tuple(r for r in ordered if r.name not in namesakes)
    return Survey(usable, tuple(sorted(left_out, key=lambda entry: entry.name)))


def _later(keyed: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """Maps each name but the first of a key to that first name, for entries (key, ..., name) in order."""
    later: dict[str, str] = {}
    for _, group in groupby(keyed, key=lambda entry: entry[0]):
        first, *others = [entry[-1] for entry in group]
        later |= dict.fromkeys(others, first)
    return later


def _is_misnamed(name: str) -> bool:
    """Whether a dataset's file cannot hold the name: control characters, line ends, or bytes that are not UTF-8."""
    return any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name)


def _misnamed(name: str) -> LeftOut:
    return LeftOut(name, Fault.UNREADABLE, f"its name {ascii(name)} has characters that are not text; rename it")
