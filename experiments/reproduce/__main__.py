"""`python -m experiments.reproduce [STAGE ...]`: makes results/shipped/ again, stage by stage.

Hours in all; a stopped stage goes on. results/shipped/reproduced.csv says what each stage took, on which processor and
from which commit. Needs a voice's clips: those that are not committed are obtained by the command that it names.
"""

import sys
import time
from collections.abc import Mapping, Sequence

from experiments.reproduce.stages import STAGES
from experiments.reproduce.transfer import SHIPPED, WORK
from experiments.row_cache import RowCache
from experiments.running import command, made_by, parser_of
from vocoder.errors import InputError

LOG = SHIPPED / "reproduced.csv"


@command("reproduce")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all stages, or those named, in their order."""
    parser = parser_of("reproduce", __doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"{', '.join(STAGES)} (default: all)")
    asked = " ".join(parser.parse_args(arguments).stages).split()  # make gives STAGE="one two" as one word
    unknown = [name for name in asked if name not in STAGES]
    if unknown:
        raise InputError(f"STAGE must be one of {', '.join(STAGES)}, and is {unknown[0]!r}; choose one")
    chosen = [name for name in STAGES if not asked or name in asked]
    for name in chosen:
        STAGES[name].check()
    made = made_by()  # before any stage changes the table of universal schedules
    for name in chosen:
        _run(name, made)


def _run(name: str, made: Mapping[str, str]) -> None:
    """Runs a stage; once it is done, stores what it took in all runs that its stored values are of."""
    log = RowCache(LOG, ".4g")
    earlier = next((row for row in log.rows if row["stage"] == name), None)
    took = f" (took {float(earlier['hours']):.2g} h on {earlier['processor']})" if earlier else ""
    print(f"--- {name}: {STAGES[name].what}{took} ---", flush=True)
    began = time.monotonic()
    try:
        STAGES[name].run()
    finally:
        hours = _add_hours(name, (time.monotonic() - began) / 3600)
    row = {"stage": name, "hours": hours, **made}
    by_name = {other["stage"]: other for other in log.rows} | {name: row}
    log.write(by_name[stage] for stage in STAGES if stage in by_name)


def _add_hours(name: str, hours: float) -> float:
    """Adds to what the stage took before, which stands beside its stored values and goes with them."""
    spent = RowCache(WORK / "hours.csv", ".6g")
    by_name = {row["stage"]: float(row["hours"]) for row in spent.rows}
    by_name[name] = by_name.get(name, 0.0) + hours
    spent.write({"stage": stage, "hours": total} for stage, total in by_name.items())
    return by_name[name]


if __name__ == "__main__":
    sys.exit(main())
