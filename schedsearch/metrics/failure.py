"""Says that there is no score: a value, and never a number."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why a clip has no score, in one line. Tables count failures in their own column; no mean includes them."""

    reason: str
