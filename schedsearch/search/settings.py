"""A user's choices for a search, and the folder of its results."""

from dataclasses import dataclass
from pathlib import Path

from schedsearch.metrics.processes import JOBS
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.schedules.search_space import LONGEST_SEARCH
from schedsearch.search.strategy_factory import GRID, check_strategy
from schedsearch.strategies.named_grids import DEFAULT_GRID, Grid, grid_named
from schedsearch.voice.config import Voice
from schedsearch.voice.precision import AUTO, check_precision
from vocoder.errors import InputError

STUDY = "study.db"  # in the results folder
SHIPPED = "shipped"  # below the results folder: what the project committed; also the first word of such winners' names
OTHER_WEIGHTS = ", other weights"  # the end of a winner's name in a comparison
OWN_SOURCES = "source of your own metrics"  # a key of a study's identity, which only studies with such metrics have


@dataclass(frozen=True)
class Settings:
    """A user's choices. InputError where they break a rule."""

    iterations: int
    strategy: str = "auto"
    objective: str = DEFAULT_OBJECTIVE  # or several with commas between them; the first one decides
    grid: str = DEFAULT_GRID
    race: bool = True
    seed: int = 0
    results: Path = Path("results")
    storage: str | None = None
    jobs: int = JOBS
    precision: str = AUTO  # of the network: float32, bfloat16 with float32 in the cleanest steps, or the faster one

    def __post_init__(self) -> None:
        """Checks the rules before anything is loaded."""
        if not 1 <= self.iterations <= LONGEST_SEARCH:
            raise InputError(
                f"ITERS must be a whole number from 1 to {LONGEST_SEARCH}, and is {self.iterations}; "
                "6, 12, 25, 50 and 100 are usual"
            )
        check_precision(self.precision)
        check_strategy(self.strategy, self.grid, self.iterations, len(self.objectives))

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives by the names that the user gave."""
        return tuple(self.objective.replace(",", " ").split()) or ("",)

    @property
    def searched_grid(self) -> Grid | None:
        """The grid that is searched; None for another strategy."""
        return grid_named(self.grid, self.iterations, self.seed) if self.strategy == GRID else None


def results_folder(voice: Voice, settings: Settings) -> Path:
    """Returns results/<dataset>/<rate>hz/<iters>iters."""
    return settings.results / voice.label / f"{settings.iterations}iters"
