"""Tells the user in lines what a folder holds and which clips were chosen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from schedsearch.voice.adding.recording import LeftOut, Recording
from schedsearch.voice.adding.split import Split
from schedsearch.voice.adding.survey import Survey

_SHOWN = 3  # files named for each reason
_TRAITS = {  # of a recording -> heading and digits
    "seconds": ("length, s", 1),
    "level": ("level, dBFS RMS", 1),
    "pause": ("pause, part", 2),
    "pitch": ("median F0, Hz", 0),
    "centroid": ("spectral centroid, Hz", 0),
    "pace": ("level peaks a second", 1),
}


def survey_lines(survey: Survey, folder: Path, sample_rate: int) -> list[str]:
    """Says how much can be used, and what is left out and why."""
    files = len(survey.usable) + len(survey.left_out)
    lines = [f"{folder}: {len(survey.usable)} of {files} files can be used, {survey.minutes:.1f} minutes"]
    for fault, entries in survey.faults.items():
        shown = ", ".join(_shown(entry) for entry in entries[:_SHOWN])
        more = f", and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
        lines.append(f"  {len(entries)} left out, {fault}: {shown}{more}")
    rates = Counter(recording.sample_rate for recording in survey.usable)
    del rates[sample_rate]
    return lines + _rate_lines(rates, sample_rate)


def _rate_lines(others: Mapping[int, int], sample_rate: int) -> list[str]:
    """Says what will be resampled."""
    lines = [f"  will be resampled: {count} from {rate} Hz" for rate, count in sorted(others.items())]
    low = min(others, default=sample_rate)
    if low < sample_rate:
        lines.append(f"  beware: at {low} Hz there is nothing above {low // 2} Hz, and the vocoder is judged there too")
    return lines


def _shown(entry: LeftOut) -> str:
    name = entry.name if entry.name.isprintable() else ascii(entry.name)
    return f"{name} ({entry.reason})" if entry.reason else name


def choice_lines(survey: Survey, chosen: Split) -> list[str]:
    """Lists least, median and greatest value of each trait."""
    groups = {"all": survey.usable, "search": chosen.search, "held out": chosen.held_out}
    heading = "".join(f"{f'{name} ({len(members)})':>24}" for name, members in groups.items())
    lines = [f"chosen, least / median / greatest:\n{'':>22}{heading}"]
    for trait, (title, digits) in _TRAITS.items():
        cells = "".join(f"{_range(members, trait, digits):>24}" for members in groups.values())
        lines.append(f"  {title:<20}{cells}")
    return lines


def _range(members: Sequence[Recording], trait: str, digits: int) -> str:
    values = np.quantile([getattr(recording, trait) for recording in members], [0, 0.5, 1])
    return " / ".join(f"{value:.{digits}f}" for value in values)
