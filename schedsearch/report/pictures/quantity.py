"""The quantity of an axis: a metric with its unit and its better side."""

from dataclasses import dataclass

from schedsearch.metrics.catalogue import Direction
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
