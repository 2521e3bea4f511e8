"""Synthesised clips on the disk: each file says what it was made from, so that nothing is made twice."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from vocoder.atomic import atomic_write
from vocoder.audio.reading import read_samples
from vocoder.errors import InputError


@dataclass(frozen=True)
class AudioFolder:
    """<path>/<clip>/<system>.flac, 24 bit; the comment of each file names its origin."""

    path: Path
    sample_rate: int  # Hz

    def holds(self, clip: str, system: str, origin: str) -> bool:
        """Whether the file is there, whole, and of this origin."""
        return self.read(clip, system, origin) is not None

    def read(self, clip: str, system: str, origin: str) -> Tensor | None:
        """[samples] float32; None where there is no such file, or one of another origin."""
        try:
            with soundfile.SoundFile(self._file(clip, system)) as file:
                if file.comment != origin or file.samplerate != self.sample_rate:
                    return None
                return torch.from_numpy(read_samples(file, clip)[:, 0].copy()) if file.channels == 1 else None
        except (OSError, RuntimeError, InputError):  # RuntimeError: libsndfile's own, for what can't be decoded
            return None

    def write(self, clip: str, system: str, audio: Tensor, *, origin: str) -> None:
        """[samples], clipped to -1..1 as every WAV writer does; the file appears whole or not at all."""
        buffer = io.BytesIO()
        with soundfile.SoundFile(buffer, "w", self.sample_rate, 1, subtype="PCM_24", format="FLAC") as file:
            file.comment = origin
            file.write(np.clip(audio.detach().cpu().numpy(), -1.0, 1.0))
        path = self._file(clip, system)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot make the folder {path.parent}: {error.strerror}; mend its rights, or move it away"
            ) from error
        atomic_write(path, buffer.getvalue())

    def _file(self, clip: str, system: str) -> Path:
        return self.path / clip / f"{system}.flac"
