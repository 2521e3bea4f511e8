"""Names options where the program was called by itself, and make variables where `make` called it.

Messages are written with make variables, since that is how most people call. The Makefile and the program itself say
in the environment who called.
"""

import os
import re

CALLED_BY, BY_HAND = "SCHEDSEARCH_CALLED_BY", "hand"  # the Makefile says "make"
_OTHER_NAMES = {"EXCERPT": "--seconds"}
_VARIABLES = (
    "ITERS DATASET RATE STRATEGY GRID OBJECTIVE BUDGET SEED MORE STORAGE STEPS HOURS WARM_START DRAW DIALECT PRECISION "
    "SCHEDULES METRICS EXCERPT DRAWS WAVS CHECKPOINT CONFIG MELS RESAMPLE FORCE LONG_SECONDS SMALL VOICES"
).split()
_SWITCH = re.compile(r"\b(FORCE|RESAMPLE|SMALL)=1\b")
# A variable with a value, with = alone, or alone; whole words: not experiments/DATASET.toml, nor a file RATE.wav.
_NAMES = "|".join(sorted(_VARIABLES, key=len, reverse=True))
_VARIABLE = re.compile(rf"(?<![\w./'-])({_NAMES})(=(?=[^\s,;:)])|=|(?![\w/]|\.\w))")
_COMMAND = re.compile(r"\bmake (search-all|search|compare|transfer|voice|check-voice|train|report|metrics)\b")


def as_called(text: str) -> str:
    """Returns a message with options in place of make variables, if the program was called by hand."""
    return with_options(text) if os.environ.get(CALLED_BY) == BY_HAND else text


def with_options(text: str) -> str:
    """Returns a message with `schedsearch search --iters 6` in place of `make search ITERS=6`."""
    text = _COMMAND.sub(r"schedsearch \1", text)
    text = _SWITCH.sub(lambda switch: _option(switch[1]), text)
    return _VARIABLE.sub(lambda name: _option(name[1]) + (" " if _has_value(name) else ""), text)


def _option(variable: str) -> str:
    return _OTHER_NAMES.get(variable, f"--{variable.lower().replace('_', '-')}")


def _has_value(variable: re.Match[str]) -> bool:
    return variable[2] == "=" and bool(re.match(r"[^\s,;:)]", variable.string[variable.end() :]))
