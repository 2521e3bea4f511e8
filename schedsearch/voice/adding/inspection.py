"""Reads what a checkpoint says about its voice, and where each fact stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vocoder.checkpoints.configuration import config_origins
from vocoder.checkpoints.file import read_checkpoint
from vocoder.checkpoints.loading import vocoder_of
from vocoder.dialects.dialect import FrontEnd


@dataclass(frozen=True)
class Inspection:
    """Facts about a checkpoint that loads, in words."""

    checkpoint: Path
    config: Path | None  # where one was given
    sample_rate: int  # Hz
    network: str  # how the dialect was recognised, and the main sizes
    mel: str
    origins: Mapping[str, str]  # section of the configuration -> where it stands
    front_end: FrontEnd

    @property
    def rate_origin(self) -> str:
        """Returns the part of the configuration that has the sample rate, and the file where it stands."""
        section = next(name for name in ("data_config", "audio", "sample_rate") if name in self.origins)
        return f"{section}: {self.origins[section]}"

    @property
    def origin_lines(self) -> list[str]:
        """Returns a line for each file that has parts of the configuration."""
        places = dict.fromkeys(self.origins.values())
        sections = {place: [name for name, origin in self.origins.items() if origin == place] for place in places}
        return [f"{' and '.join(names)}: {place}" for place, names in sections.items()]


def inspect(checkpoint: Path, config: Path | None) -> Inspection:
    """Loads a checkpoint as a search would. InputError names what is wrong or missing, and the option that gives it."""
    file = read_checkpoint(checkpoint)
    vocoder = vocoder_of(file, checkpoint, config)
    origins = config_origins(file.dialect, checkpoint, file.config, config)
    return Inspection(
        checkpoint,
        config,
        vocoder.sample_rate,
        vocoder.description,
        _mel(vocoder.front_end),
        origins,
        vocoder.front_end,
    )


def _mel(front_end: FrontEnd) -> str:
    """Describes the settings that all front ends share. An f_max of None is half the rate."""
    low, high = (getattr(front_end, name) for name in ("f_min", "f_max"))
    size, window = (getattr(front_end, name) for name in ("n_fft", "win_length"))
    return (
        f"{front_end.n_mels} channels, {low:g} to {high or front_end.sample_rate / 2:g} Hz, "
        f"FFT {size}, window {window}, hop {front_end.hop_length}"
    )
