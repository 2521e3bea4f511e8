"""Schedules that serve neighbours, to begin from: winners of other lengths, datasets and rates, brought to this one."""

import json
import math
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from schedsearch.schedules.formulas import resample
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace

MOST = 6
BEGAN_FROM = "began_from"  # in a schedule's provenance: the name of the warm start that it is
PATTERNS = ("*/*hz/*iters/schedule.json", "shipped/*/*hz/*iters/schedule.json")  # below the results folder


@dataclass(frozen=True)
class WarmStart:
    """A neighbour's schedule at this length, in the box."""

    name: str  # dataset/ratehz/N steps
    schedule: NoiseSchedule


def neighbours(results: Path, dataset: str, sample_rate: int, space: ScheduleSpace) -> list[WarmStart]:
    """What shipped for others below `results` (and results/shipped): this voice's other lengths first, then the nearest
    length of others; none twice, at most MOST. A file that can't be read is passed over: it is only a hint."""
    own = f"{dataset}/{sample_rate}hz"
    found = []
    for path in sorted(path for pattern in PATTERNS for path in results.glob(pattern)):
        voice = "/".join(path.parts[-4:-2])
        schedule = _read(path)
        if schedule is None or len(schedule) < 2 or (voice == own and len(schedule) == space.steps):
            continue
        distance = abs(math.log(len(schedule) / space.steps))
        found.append((voice != own, distance, voice, schedule))
    starts = [WarmStart(f"{voice}/{len(s)} steps", _here(s, space)) for _, _, voice, s in sorted(found, key=_order)]
    nearest: dict[NoiseSchedule, WarmStart] = {}
    for start in starts:
        nearest.setdefault(start.schedule, start)
    return list(nearest.values())[:MOST]


def origin_key(schedule: NoiseSchedule) -> str:
    """Under which a trial store remembers the name of a warm start."""
    return f"warm start {sha256(schedule.betas.tobytes()).hexdigest()[:16]}"


def _order(found: tuple[bool, float, str, NoiseSchedule]) -> tuple[bool, float, str, int]:
    return (*found[:3], len(found[3]))


def _here(schedule: NoiseSchedule, space: ScheduleSpace) -> NoiseSchedule:
    return space.clip(resample(schedule, space.steps)).schedule


def _read(path: Path) -> NoiseSchedule | None:
    try:
        return NoiseSchedule(json.loads(path.read_text(encoding="utf-8"))["betas"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError, OverflowError):
        return None
