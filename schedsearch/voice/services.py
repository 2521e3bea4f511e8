"""What a voice is opened and judged with, and how to give other parts: an analytic vocoder, PESQ in one process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from schedsearch.metrics.registry import Metric, metrics_for
from schedsearch.voice.precision import fastest
from vocoder.checkpoints.loading import load_vocoder
from vocoder.front_end_check.diagnosis import Diagnosis, diagnose
from vocoder.vocoder import Vocoder


@dataclass(frozen=True)
class Services:
    """Functions with the signatures of those that they stand for; a voice keeps the ones it was loaded with."""

    load_vocoder: Callable[..., Vocoder] = load_vocoder
    fastest: Callable[[Vocoder], Vocoder] = fastest
    metrics_for: Callable[..., dict[str, Metric]] = metrics_for
    diagnose: Callable[..., Diagnosis] = diagnose
    draw: Callable[[Any], bytes] | None = None  # a matplotlib figure -> a picture's bytes; None: as PNG
    open_store: Callable[..., Any] | None = None  # None: study.store.Store
    limit_seconds: float = 20.0  # that a search may spend on what the network can do with a long schedule


_current: ContextVar[Services] = ContextVar("services")


def current() -> Services:
    """Returns the services for voices that are loaded now."""
    return _current.get(None) or Services()


@contextmanager
def using(services: Services) -> Iterator[None]:
    """Voices that are loaded inside are opened and judged with these services."""
    token = _current.set(services)
    try:
        yield
    finally:
        _current.reset(token)
