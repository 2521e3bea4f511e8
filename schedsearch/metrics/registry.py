"""Finds metrics by name and binds them to a voice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schedsearch.metrics import mos
from schedsearch.metrics.catalogue import Definition, Direction, Setup, catalogue
from schedsearch.metrics.measuring import Measure
from schedsearch.metrics.own import OwnMetric, is_own, own_metric
from schedsearch.metrics.own_scoring import definition as own_definition
from schedsearch.metrics.perceptual import pesq_mode
from schedsearch.metrics.spectral import LogMel
from vocoder.errors import InputError

DEFINITIONS = 1  # raise it when a metric's definition changes: scores of two definitions never mix
# Spectrum and PESQ together: neither alone chooses well on every voice (results/shipped/metrics.md).
DEFAULT_OBJECTIVE = "spectral_pesq"
OF_MODE = ("pesq", "spectral_pesq")  # names that get PESQ's mode as a suffix; the sample rate decides it
OWN = "name one of your own as package.module:function"
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
    summary: str = ""  # one line
    function: str = ""  # of a user's own metric: package.module:function
    source: str = ""  # and the SHA-256 of its files
    quiet_part: str = ""  # a metric that this one adds to something noisier

    @property
    def better_side(self) -> str:
        """Returns `lower is better` or `higher is better`; "" where neither is."""
        if not self.ranks:
            return ""
        return "lower is better" if self.direction == "minimize" else "higher is better"

    @property
    def stored_name(self) -> str:
        """Returns the name under which values are kept, so that values of a changed function never mix."""
        return f"{self.name} {self.source}" if self.source else self.name


def metrics_for(
    front_end: LogMel,
    sample_rate: int,
    *,
    jobs: int = 1,
    names: Sequence[str] = DEFAULT_COLUMNS,
) -> dict[str, Metric]:
    """Returns the metrics `names`, in that order and once each. `jobs` processes score metrics that go clip by clip.

    "pesq" and "spectral_pesq" mean the mode that fits the sample rate, `package.module:function` is a metric of the
    user's own.
    """
    setup = Setup(front_end, sample_rate, jobs)
    known = {definition.name: definition for definition in (*catalogue(sample_rate), *own_definitions(names))}
    wanted = [column(name, sample_rate) for name in names]
    for name in wanted:
        if name == mos.NAME and not mos.installed():
            raise InputError(f"metric {name} needs the package distillmos; install it with make mos")
        if name not in known:
            raise InputError(f"a metric must be one of {', '.join(known)}, and is {name!r}; choose one, or {OWN}")
    return {name: _bound(known[name], setup) for name in wanted}


def own_definitions(names: Iterable[str]) -> list[Definition]:
    """Returns the definitions of the users' own metrics among these names."""
    return [own_definition(metric) for metric in _own_metrics(names)]


def column(name: str, sample_rate: int) -> str:
    """Returns the name of a metric's column at this rate, with PESQ's mode where it has one."""
    if is_own(name):
        return own_metric(name).name
    return f"{name}_{pesq_mode(sample_rate)}" if name in OF_MODE else name


def columns_with(*objectives: str) -> tuple[str, ...]:
    """Returns the columns of a search for these objectives: the objectives first, then the usual ones.

    Raises InputError for a name that cannot be an objective.
    """
    _own_metrics(objectives)
    known = [*OF_MODE, *(definition.name for definition in catalogue(16_000) if definition.ranks)]
    narrow = [f"{name}_nb" for name in OF_MODE]
    for name in objectives:
        if name not in (*known, *narrow) and not is_own(name):
            raise InputError(f"OBJECTIVE must be one of {', '.join(known)}, and is {name!r}; choose one, or {OWN}")
    if len(set(objectives)) < len(objectives):
        raise InputError(f"OBJECTIVE must name each metric once, and is {','.join(objectives)!r}; leave one out")
    return (*objectives, *(name for name in usual_columns() if name not in objectives))


def usual_columns() -> tuple[str, ...]:
    """Returns the columns of tables unless others are asked for: Distill-MOS is among them where it is installed."""
    return (*DEFAULT_COLUMNS, mos.NAME) if mos.installed() else DEFAULT_COLUMNS


def objective(name: str, metrics: dict[str, Metric]) -> Metric:
    """Returns the metric to optimise. "pesq" and "spectral_pesq" mean the mode that fits the sample rate."""
    wanted = next((key for key in metrics if name in OF_MODE and key in (f"{name}_wb", f"{name}_nb")), name)
    wanted = own_metric(name).name if is_own(name) else wanted
    known = [key for key, metric in metrics.items() if metric.ranks]
    if wanted not in known:
        raise InputError(f"OBJECTIVE must be one of {', '.join(known)}, and is {name!r}; choose one")
    return metrics[wanted]


def _own_metrics(names: Iterable[str]) -> list[OwnMetric]:
    """Loads the users' own metrics among these names. InputError for a name that stands for another metric."""
    taken = {*OF_MODE, *(definition.name for rate in (8_000, 16_000) for definition in catalogue(rate))}
    own = [own_metric(name) for name in dict.fromkeys(names) if is_own(name)]
    for metric in own:
        if metric.name in taken:
            raise InputError(
                f"metric {metric.reference}: another metric is called {metric.name}; set another name as its attribute"
            )
        taken.add(metric.name)
    return own


def _bound(definition: Definition, setup: Setup) -> Metric:
    return Metric(
        definition.name,
        definition.unit,
        definition.direction,
        definition.bind(setup),
        definition.ranks,
        definition.summary,
        definition.function,
        definition.source,
        definition.quiet_part,
    )
