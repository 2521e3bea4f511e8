"""Stores synthesised clips. Each file says what it was made from, so that nothing is synthesised twice."""

import io
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from vocoder.atomic import atomic_write, make_folder
from vocoder.audio.reading import read_samples
from vocoder.errors import InputError

AUDIO = "audio"  # below a search's results
_MARK = "schedsearch "  # how every origin begins
LONGEST_NAME = 200  # bytes of a folder's name; most file systems take 255


@dataclass(frozen=True)
class AudioFolder:
    """Files <path>/<clip>/<system>.flac of 24 bits. The comment of each file names its origin."""

    path: Path
    sample_rate: int  # Hz

    def read(self, clip: str, system: str, origin: str) -> Tensor | None:
        """Returns [samples] in float32, or None without such a file of this origin."""
        try:
            with soundfile.SoundFile(os.fsencode(self._file(clip, system))) as file:
                if file.comment != origin or file.samplerate != self.sample_rate:
                    return None
                return torch.from_numpy(read_samples(file, clip)[:, 0].copy()) if file.channels == 1 else None
        except (OSError, RuntimeError, InputError):  # RuntimeError: from libsndfile, for data that it cannot decode
            return None

    def write(self, clip: str, system: str, audio: Tensor, *, origin: str) -> None:
        """Writes [samples], clipped to -1..1 as every WAV writer does. The file appears whole or not at all."""
        buffer = io.BytesIO()
        with soundfile.SoundFile(buffer, "w", self.sample_rate, 1, subtype="PCM_24", format="FLAC") as file:
            file.comment = origin
            file.write(np.clip(audio.detach().cpu().numpy(), -1.0, 1.0))
        path = self._file(clip, system)
        make_folder(path.parent)
        atomic_write(path, buffer.getvalue())

    def drop_all_but(self, origins: Collection[str]) -> None:
        """Removes files that this program has written with another origin."""
        for path in self.path.glob("*/*.flac"):
            with suppress(OSError, RuntimeError):  # RuntimeError: from libsndfile, for a file of no such kind
                with soundfile.SoundFile(os.fsencode(path)) as file:
                    comment = str(file.comment)
                if comment.startswith(_MARK) and comment not in origins:
                    path.unlink()

    def _file(self, clip: str, system: str) -> Path:
        return self.path / _folder_name(clip) / f"{system}.flac"


def _folder_name(clip: str) -> str:
    """Returns the clip's name, or its beginning and a hash where file systems would refuse it as too long."""
    raw = os.fsencode(clip)
    if len(raw) <= LONGEST_NAME:
        return clip
    digest = sha256(raw).hexdigest()[:12]
    return f"{raw[: LONGEST_NAME - len(digest) - 1].decode(errors='ignore')}_{digest}"
