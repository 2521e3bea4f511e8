"""What the scripts that obtain recordings share: 16-bit FLAC files, and the table of the clips among them."""

import hashlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile


def write_flac(path: Path, audio: np.ndarray, rate: int) -> None:
    """Writes int16 [samples]. The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    soundfile.write(part, audio, rate, format="FLAC", subtype="PCM_16")
    os.replace(part, path)


def refuse_strangers(out: Path, known: Collection[Path]) -> None:
    """Refuses other FLAC files: a clip left in train/ by another selection would spoil the held-out scores."""
    for path in sorted(out.rglob("*.flac")):
        if path not in known:
            raise SystemExit(f"{path} does not belong to this voice; remove it or name another OUT_FOLDER")


def pcm_sha256(audio: np.ndarray) -> str:
    """Hashes the little-endian samples, since FLAC bytes differ between versions of the coder."""
    return hashlib.sha256(audio.astype("<i2").tobytes()).hexdigest()


def clip_row(name: str, split: str, audio: np.ndarray, rate: int) -> dict[str, str]:
    """Returns a clip's row of clips.csv."""
    return {"name": name, "split": split, "seconds": f"{len(audio) / rate:.4f}", "sha256": pcm_sha256(audio)}


def read_table(path: Path) -> list[dict[str, str]]:
    """Reads the rows of a table as text."""
    rows: list[dict[str, str]] = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    return rows


def write_table(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Writes clips.csv."""
    pd.DataFrame(rows).to_csv(path, index=False)


def reason_of(stderr: str) -> str:
    """Returns the last line of what a program said of its failure."""
    return (stderr.strip().splitlines() or ["no reason given"])[-1]
