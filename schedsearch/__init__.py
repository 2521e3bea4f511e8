"""Finds noise schedules for trained WaveGrad vocoders.

>>> import schedsearch
>>> voice = schedsearch.open_voice("demo")
>>> six = schedsearch.log_snr_line(6, 10.0, -4.0)
>>> table = voice.score(six, metrics=["log_mel_l1"], clips=voice.search_clips[:2])
>>> bool(0.5 < table.loc["log_mel_l1", "mean"] < 3)
True
>>> len(voice.synthesise(voice.search_clips[0], six))
12800

`voice.search(iterations=6, budget="80candidates")` searches, and `schedsearch.read_result(folder)` reads its result.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schedsearch.api import OpenVoice, open_voice
    from schedsearch.metrics.own import metric
    from schedsearch.report.result import Result, read_result
    from schedsearch.schedules.baselines import baselines
    from schedsearch.schedules.files import read_schedule, write_schedule
    from schedsearch.schedules.formulas import linear, log_snr_line
    from schedsearch.schedules.named import published
    from schedsearch.schedules.schedule import NoiseSchedule
    from vocoder.errors import InputError

__all__ = [
    "InputError",
    "NoiseSchedule",
    "OpenVoice",
    "Result",
    "baselines",
    "linear",
    "log_snr_line",
    "metric",
    "open_voice",
    "published",
    "read_result",
    "read_schedule",
    "write_schedule",
]

_HOMES = {
    "InputError": "vocoder.errors",
    "NoiseSchedule": "schedsearch.schedules.schedule",
    "OpenVoice": "schedsearch.api",
    "Result": "schedsearch.report.result",
    "baselines": "schedsearch.schedules.baselines",
    "linear": "schedsearch.schedules.formulas",
    "log_snr_line": "schedsearch.schedules.formulas",
    "metric": "schedsearch.metrics.own",
    "open_voice": "schedsearch.api",
    "published": "schedsearch.schedules.named",
    "read_result": "schedsearch.report.result",
    "read_schedule": "schedsearch.schedules.files",
    "write_schedule": "schedsearch.schedules.files",
}


def __getattr__(name: str) -> Any:
    """Imports a name's module at first use, because torch and others take seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'schedsearch' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
