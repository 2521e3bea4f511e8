"""The quantity of an axis: a metric with its unit and its better side."""

from dataclasses import dataclass

from schedsearch.metrics.catalogue import Direction, catalogue
from schedsearch.report.pictures.style import shown


@dataclass(frozen=True)
class Quantity:
    """A metric as a picture names it."""

    metric: str
    unit: str  # "1" for none, empty if unknown
    direction: Direction

    @property
    def sign(self) -> int:
        """1 if less is better, -1 if more is."""
        return 1 if self.direction == "minimize" else -1

    @property
    def name(self) -> str:
        """The name with the unit in brackets."""
        return shown(self.metric) + (f" ({shown(self.unit)})" if self.unit not in ("", "1") else "")

    @property
    def label(self) -> str:
        """The label of an axis."""
        return f"{self.name}, {'less' if self.sign > 0 else 'more'} is better"


def quantity(metric: str, sample_rate: int, direction: Direction | None = None, unit: str = "") -> Quantity:
    """Returns the quantity of a metric by its name. `unit` is for a metric that is not in the catalogue.

    Without a direction it takes the catalogue's, or "minimize".
    """
    known = {definition.name: definition for definition in catalogue(sample_rate)}.get(metric)
    if known is None:
        return Quantity(metric, unit, direction or "minimize")
    return Quantity(metric, known.unit, direction or known.direction)
