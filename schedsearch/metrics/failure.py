"""A score that could not be had is a value, and never a number."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why a clip has no score, in one line. It is counted in a column of its own, and no mean takes it in."""

    reason: str
