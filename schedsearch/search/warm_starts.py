"""Schedules to begin from: winners of other lengths, datasets and rates, brought to this length."""

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from schedsearch.schedules.formulas import resample
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import schedules_from
from schedsearch.study.store import Store
from vocoder.errors import InputError

MOST = 6
BEGAN_FROM = "began_from"  # in a schedule's provenance: the name of the warm start that it is
_RATES = ("*hz", "*hz-tts")
PATTERNS = tuple(f"{top}*/{rate}/*iters/schedule.json" for top in ("", "shipped/") for rate in _RATES)  # below results
_STARTS, _STARTS_OF = "warm starts", "warm starts of"  # the store's keys for their betas and for the budget


def neighbours(results: Path, own: str, space: ScheduleSpace) -> dict[NoiseSchedule, str]:
    """Returns what shipped for others below `results` and results/shipped, at this length and in the box; MOST at most.

    Each has a name: dataset/ratehz/N steps. Other lengths of this voice, whose label is `own`, come first, then other
    voices, the nearest length first. A file that cannot be read is skipped: it is only a hint.
    """
    winners = []
    for path in sorted(path for pattern in PATTERNS for path in results.glob(pattern)):
        voice = "/".join(path.parts[-4:-2])
        schedule = _read(path)
        if schedule is None or len(schedule) < 2 or (voice == own and len(schedule) == space.steps):
            continue
        distance = abs(math.log(len(schedule) / space.steps))
        order = (voice != own, distance, voice, len(schedule))
        winners.append((order, f"{voice}/{len(schedule)} steps", schedule))
    nearest: dict[NoiseSchedule, str] = {}
    for _, name, schedule in sorted(winners, key=lambda winner: winner[0]):
        with suppress(InputError):  # its levels lie too close together for this length
            nearest.setdefault(space.clip(resample(schedule, space.steps)).schedule, name)
    return dict(islice(nearest.items(), MOST))


def stored_starts(store: Store, budget: Budget, find: Callable[[], Mapping[NoiseSchedule, str]]) -> list[NoiseSchedule]:
    """Returns the warm starts as they stood when work on this budget began, so that a resumed run begins alike.

    A search that is given more budget looks again; new starts come after the earlier ones.
    """
    with store.turn():
        earlier = store.recall(_STARTS, schedules_from) or []
        if store.recall(_STARTS_OF) == str(budget):
            return earlier
        starts = find()
        schedules = list(dict.fromkeys([*earlier, *starts]))
        store.remember(_STARTS, [schedule.betas.tolist() for schedule in schedules])
        store.remember(_STARTS_OF, str(budget))
        for schedule, name in starts.items():
            store.remember(origin_key(schedule), name)
    return schedules


def origin_key(schedule: NoiseSchedule) -> str:
    """Returns the key under which a store remembers where a warm start comes from."""
    return f"warm start {schedule.digest}"


def _read(path: Path) -> NoiseSchedule | None:
    try:
        return NoiseSchedule(json.loads(path.read_text(encoding="utf-8"))["betas"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError, OverflowError):
        return None
