"""Finds metrics by name and binds them to a voice."""

from collections.abc import Sequence
from dataclasses import dataclass

from schedsearch.metrics.catalogue import Definition, Direction, Setup, catalogue
from schedsearch.metrics.combined import of_sum
from schedsearch.metrics.measuring import Distance, Measure, Measured, of_batches
from schedsearch.metrics.perceptual import pesq_mode
from schedsearch.metrics.spectral import LogMel
from vocoder.errors import InputError

__all__ = [
    "DEFAULT_COLUMNS",
    "DEFAULT_OBJECTIVE",
    "DEFINITIONS",
    "Measured",
    "Metric",
    "column",
    "columns_with",
    "metrics_for",
    "objective",
]

DEFINITIONS = 1  # raise it when a metric's definition changes: scores of two definitions never mix
# Spectrum and PESQ together: neither alone chooses well on every voice (results/shipped/metrics.md).
DEFAULT_OBJECTIVE = "spectral_pesq"
OF_MODE = ("pesq", "spectral_pesq")  # names that get PESQ's mode as a suffix; the sample rate decides it
# The columns of every table: one of each kind, none slower than the synthesis itself.
DEFAULT_COLUMNS = ("spectral", "log_mel_l1", "pesq", "stoi", "lsd", "level")


@dataclass(frozen=True)
class Metric:
    """A metric bound to a voice's front end and sample rate."""

    name: str
    unit: str
    direction: Direction
    measure: Measure  # references [K, samples], estimates [C, K, samples]
    ranks: bool = True  # False where neither more nor less of it is better

    @property
    def distance(self) -> Distance | None:
        """A differentiable distance, lower is better; for a sum its differentiable parts. None where there is none."""
        if isinstance(self.measure, of_batches | of_sum) and self.ranks and self.direction == "minimize":
            return self.measure.distance
        return None


def metrics_for(
    front_end: LogMel,
    sample_rate: int,
    *,
    jobs: int = 1,
    names: Sequence[str] = DEFAULT_COLUMNS,
    extra: Sequence[Definition] = (),
) -> dict[str, Metric]:
    """Returns the metrics `names`, in that order and once each. `jobs` processes score metrics that go clip by clip.

    "pesq" and "spectral_pesq" mean the mode that fits the sample rate. `extra` metrics extend the catalogue.
    """
    setup = Setup(front_end, sample_rate, jobs)
    known = {definition.name: definition for definition in catalogue(sample_rate)}
    for definition in extra:
        if definition.name in known:
            raise InputError(f"a metric's name must be its own, and {definition.name} stands twice; rename yours")
        known[definition.name] = definition
    wanted = [column(name, sample_rate) for name in names]
    for name in wanted:
        if name not in known:
            raise InputError(f"a metric must be one of {', '.join(known)}, and is {name!r}; choose one")
    return {name: _bound(known[name], setup) for name in wanted}


def column(name: str, sample_rate: int) -> str:
    """Returns the name of a metric's column at this rate, with PESQ's mode where it has one."""
    return f"{name}_{pesq_mode(sample_rate)}" if name in OF_MODE else name


def columns_with(*objectives: str) -> tuple[str, ...]:
    """Returns the columns of a search for these objectives: the objectives first, then the usual ones.

    Raises InputError for a name that cannot be an objective.
    """
    known = [*OF_MODE, *(definition.name for definition in catalogue(16_000) if definition.ranks)]
    narrow = [f"{name}_nb" for name in OF_MODE]
    for name in objectives:
        if name not in (*known, *narrow):
            raise InputError(f"OBJECTIVE must be one of {', '.join(known)}, and is {name!r}; choose one")
    if len(set(objectives)) < len(objectives):
        raise InputError(f"OBJECTIVE must name each metric once, and is {','.join(objectives)!r}; leave one out")
    return (*objectives, *(name for name in DEFAULT_COLUMNS if name not in objectives))


def objective(name: str, metrics: dict[str, Metric]) -> Metric:
    """Returns the metric to optimise. "pesq" and "spectral_pesq" mean the mode that fits the sample rate."""
    wanted = next((key for key in metrics if name in OF_MODE and key in (f"{name}_wb", f"{name}_nb")), name)
    known = [key for key, metric in metrics.items() if metric.ranks]
    if wanted not in known:
        raise InputError(f"OBJECTIVE must be one of {', '.join(known)}, and is {name!r}; choose one")
    return metrics[wanted]


def _bound(definition: Definition, setup: Setup) -> Metric:
    return Metric(
        definition.name, definition.unit, definition.direction, definition.bind(setup), definition.ranks
    )
